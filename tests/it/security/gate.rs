//! Rules on the catalog: each query lists violations and must return none.
//!
//! Exceptions are part of a rule, with their reasons.

use std::collections::BTreeSet;

use diesel::pg::PgConnection;
use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl, sql_query};

use super::functions::FUNCTIONS;
use super::spec::TABLES;

/// Our tables of the schema public, without Diesel's list of migrations.
const TABLES_OF_OURS: &str =
    "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
    AND c.relkind IN ('r', 'p') AND c.relname <> '__diesel_schema_migrations'";

/// Tables without tenant: the tenants themselves, and the positions of the worker's jobs.
const OF_NO_TENANT: &str = "('tenants', 'outbox_readers', 'scheduled_jobs')";

/// (violation, a query that lists it by name)
fn rules() -> Vec<(&'static str, String)> {
    let mut rules = tables();
    rules.extend(keys());
    rules.extend(grants());
    rules.extend(roles());
    rules
}

fn tables() -> Vec<(&'static str, String)> {
    vec![
        ("a table or partition without forced row-level security",
            format!("SELECT c.relname FROM {TABLES_OF_OURS} WHERE NOT (c.relrowsecurity AND c.relforcerowsecurity)")),
        ("a verb that is granted and that no policy speaks of",
            // A grant on any column counts; partitions are accessed through their parent.
            format!("SELECT DISTINCT concat_ws(' ', c.relname, r.rolname, v.verb) FROM {TABLES_OF_OURS},
                pg_roles r, (VALUES ('SELECT', 'r'), ('INSERT', 'a'), ('UPDATE', 'w'), ('DELETE', 'd')) v (verb, letter)
              WHERE NOT c.relispartition AND r.rolname LIKE 'guichet\\_%' AND r.oid <> c.relowner AND NOT r.rolsuper
                AND CASE WHEN v.verb = 'DELETE' THEN has_table_privilege(r.oid, c.oid, v.verb)
                    ELSE has_any_column_privilege(r.oid, c.oid, v.verb) END
                AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive
                    AND p.polcmd IN (v.letter::\"char\", '*') AND r.oid = ANY (p.polroles))")),
        ("a policy that lets everybody in",
            // Column grants of the worker for its queues and for finding due rows; tenants and connect tokens, which
            // are read without an actor; and search, which filters by itself.
            "SELECT concat_ws(' ', p.tablename, p.policyname) FROM pg_policies p
              WHERE p.schemaname = 'public' AND p.permissive = 'PERMISSIVE' AND (p.qual = 'true' OR p.with_check = 'true')
                AND (p.tablename, p.policyname) NOT IN (('outbox', 'outbox_worker'), ('idempotency_keys', 'idempotency_keys_worker'),
                    ('activity_logs', 'activity_logs_worker'), ('outbox_readers', 'outbox_readers_worker'),
                    ('connect_tickets', 'connect_tickets_worker'), ('connect_tickets', 'connect_tickets_authz'),
                    ('tenants', 'tenants_authz'), ('messages', 'messages_search'), ('tenants', 'tenants_worker'),
                    ('scheduled_jobs', 'scheduled_jobs_worker'), ('notification_settings', 'notification_settings_worker'),
                    ('notification_events', 'notification_events_worker'), ('notification_event_keys', 'notification_event_keys_worker'),
                    ('rejected_events', 'rejected_events_worker'), ('notification_feeds', 'notification_feeds_worker'),
                    ('notifications', 'notifications_worker'), ('notification_skips', 'notification_skips_worker'),
                    ('deliveries', 'deliveries_worker'), ('digests', 'digests_worker'))".into()),
        ("a policy for PUBLIC", "SELECT concat_ws(' ', tablename, policyname) FROM pg_policies WHERE roles && '{public}'".into()),
        ("a policy of a role beside the four",
            "SELECT concat_ws(' ', tablename, policyname) FROM pg_policies
              WHERE NOT roles <@ '{guichet_app,guichet_worker,guichet_authz,guichet_search}'".into()),
        ("a table that guichet_app reaches without a wall between tenants",
            format!("SELECT c.relname FROM {TABLES_OF_OURS} WHERE NOT c.relispartition AND c.relname NOT IN {OF_NO_TENANT}
                AND (SELECT count(*) FROM pg_policies p WHERE p.tablename = c.relname AND p.permissive = 'RESTRICTIVE' AND p.cmd = 'ALL'
                    AND p.roles = '{{guichet_app}}' AND p.qual = '(tenant_id = ( SELECT authz.tenant() AS tenant))'
                    AND p.with_check IS NULL) <> 1")),
        ("two permissive policies for one role and verb",
            "SELECT concat_ws(' ', p.tablename, p.policyname, q.policyname) FROM pg_policies p JOIN pg_policies q USING (schemaname, tablename)
              WHERE p.policyname < q.policyname AND p.permissive = 'PERMISSIVE' AND q.permissive = 'PERMISSIVE' AND p.roles && q.roles
                AND (p.cmd = q.cmd OR 'ALL' IN (p.cmd, q.cmd))".into()),
        ("a view that is not security_invoker, or a materialized one",
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('public', 'authz')
                AND (c.relkind = 'm' OR c.relkind = 'v' AND NOT coalesce(c.reloptions && '{security_invoker=true,security_invoker=on}', false))".into()),
        ("a table that nobody explained",
            format!("SELECT c.relname FROM {TABLES_OF_OURS} WHERE obj_description(c.oid, 'pg_class') IS NULL")),
    ]
}

fn keys() -> Vec<(&'static str, String)> {
    vec![
        ("a foreign key between tenants' tables without tenant_id on both sides",
            "SELECT f.conname FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid WHERE f.contype = 'f' AND c.relnamespace = 'public'::regnamespace
                AND NOT EXISTS (SELECT FROM unnest(f.conkey, f.confkey) AS k (here, there)
                    JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.here AND a.attname = 'tenant_id'
                    JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attnum = k.there
                     AND b.attname = CASE WHEN f.confrelid = 'public.tenants'::regclass THEN 'id' ELSE 'tenant_id' END)".into()),
        ("a unique index that does not start with tenant_id",
            format!("SELECT i.indexrelid::regclass::text FROM pg_index i JOIN ({TABLES_OF_OURS}) ON c.oid = i.indrelid
              WHERE i.indisunique AND c.relname NOT IN {OF_NO_TENANT}
                AND (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = i.indkey[0]) IS DISTINCT FROM 'tenant_id'")),
        ("a table without a required tenant_id",
            format!("SELECT c.relname FROM {TABLES_OF_OURS} WHERE c.relname NOT IN {OF_NO_TENANT} AND NOT EXISTS (
                SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.attnotnull)")),
    ]
}

fn grants() -> Vec<(&'static str, String)> {
    vec![
        ("a grant that row policies do not hold: TRUNCATE, REFERENCES, TRIGGER",
            "SELECT concat_ws(' ', c.relname, a.grantee::regrole, a.privilege_type) FROM pg_class c, aclexplode(c.relacl) a
              WHERE c.relnamespace = 'public'::regnamespace AND a.grantee <> c.relowner AND a.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')".into()),
        ("a right that may be handed on",
            "SELECT c.relname FROM pg_class c, aclexplode(c.relacl) a
              WHERE c.relnamespace = 'public'::regnamespace AND a.grantee <> c.relowner AND a.is_grantable".into()),
        ("a partition with grants of its own",
            "SELECT concat_ws(' ', c.relname, a.grantee::regrole) FROM pg_class c, aclexplode(c.relacl) a
              WHERE c.relnamespace = 'public'::regnamespace AND c.relispartition AND a.grantee <> c.relowner
             UNION ALL SELECT c.relname FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid AND t.attacl IS NOT NULL WHERE c.relispartition".into()),
        ("a table or column granted to PUBLIC",
            "SELECT c.relname FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = 'public'::regnamespace AND a.grantee = 0
             UNION ALL SELECT concat_ws(' ', t.attrelid::regclass, t.attname) FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid,
                aclexplode(t.attacl) a WHERE c.relnamespace = 'public'::regnamespace AND a.grantee = 0".into()),
        ("a function that PUBLIC may call",
            // The functions of unaccent belong to the extension: they read nothing, and PUBLIC may not use authz.
            "SELECT p.oid::regprocedure::text FROM pg_proc p
              WHERE p.pronamespace IN ('authz'::regnamespace, 'public'::regnamespace)
                AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
                AND has_function_privilege('public', p.oid, 'EXECUTE')".into()),
        ("a schema that PUBLIC may enter or fill",
            "SELECT nspname::text FROM pg_namespace n WHERE (nspname = 'authz' AND has_schema_privilege('public', n.oid, 'USAGE'))
                OR (nspname IN ('authz', 'public') AND has_schema_privilege('public', n.oid, 'CREATE'))".into()),
        ("a schema that a role of ours may fill",
            "SELECT concat_ws(' ', n.nspname, r.rolname) FROM pg_namespace n, pg_roles r WHERE n.nspname IN ('authz', 'public')
                AND r.rolname IN ('guichet_app', 'guichet_worker', 'guichet_authz', 'guichet_search') AND has_schema_privilege(r.oid, n.oid, 'CREATE')".into()),
    ]
}

fn roles() -> Vec<(&'static str, String)> {
    vec![
        ("a role that row policies do not hold",
            "SELECT rolname::text FROM pg_roles WHERE rolname IN ('guichet_owner', 'guichet_app', 'guichet_worker', 'guichet_authz', 'guichet_search')
                AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolinherit)".into()),
        ("a function owner who may log in",
            "SELECT rolname::text FROM pg_roles WHERE rolname IN ('guichet_authz', 'guichet_search') AND rolcanlogin".into()),
        ("a request or worker role that may become another",
            "SELECT concat_ws(' ', m.member::regrole, m.roleid::regrole) FROM pg_auth_members m
              WHERE m.member IN ('guichet_app'::regrole, 'guichet_worker'::regrole, 'guichet_authz'::regrole, 'guichet_search'::regrole)".into()),
        ("a request or worker role that owns something",
            "SELECT concat_ws(' ', d.refobjid::regrole, d.classid::regclass, d.objid) FROM pg_shdepend d
              WHERE d.deptype = 'o' AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND d.refobjid IN ('guichet_app'::regrole, 'guichet_worker'::regrole)".into()),
        ("a definer function that takes its search_path from the caller",
            "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace IN ('authz'::regnamespace, 'public'::regnamespace)
                AND p.prosecdef AND NOT coalesce('search_path=\"\"' = ANY (p.proconfig), false)".into()),
    ]
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

pub fn names(connection: &mut PgConnection, query: &str) -> Vec<String> {
    let named = format!("SELECT found.name::text AS name FROM ({query}) AS found (name) ORDER BY 1");
    sql_query(named)
        .load::<Name>(connection)
        .unwrap_or_else(|error| panic!("{error}: {query}"))
        .into_iter()
        .map(|found| found.name)
        .collect()
}

/// All violations in the catalog.
pub fn faults(connection: &mut PgConnection) -> Vec<String> {
    let mut faults = Vec::new();
    for (rule, query) in rules() {
        faults.extend(names(connection, &query).iter().map(|name| format!("{rule}: {name}")));
    }
    faults.extend(unlike(
        "table",
        tables_of_spec(false),
        names(connection, &format!("SELECT c.relname FROM {TABLES_OF_OURS} WHERE NOT c.relispartition")),
    ));
    faults.extend(unlike(
        "view",
        tables_of_spec(true),
        names(connection, "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('v', 'm')"),
    ));
    faults.extend(unlike("function", functions_of_spec(), names(connection,
        "SELECT concat_ws(' ', p.oid::regprocedure, p.proowner::regrole, CASE WHEN p.prosecdef THEN 'definer' END,
            (SELECT string_agg(a.grantee::regrole::text, ' ' ORDER BY a.grantee::regrole::text COLLATE \"C\") FROM aclexplode(p.proacl) a WHERE a.grantee <> p.proowner))
          FROM pg_proc p WHERE p.pronamespace IN ('authz'::regnamespace, 'public'::regnamespace)
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')")));
    faults
}

fn unlike(kind: &str, spec: BTreeSet<String>, catalog: Vec<String>) -> Vec<String> {
    let catalog: BTreeSet<String> = catalog.into_iter().collect();
    let unknown =
        catalog.difference(&spec).map(|name| format!("a {kind} that the matrix does not know: {name}"));
    let missing =
        spec.difference(&catalog).map(|name| format!("a {kind} that only the matrix knows: {name}"));
    unknown.chain(missing).collect()
}

fn tables_of_spec(views: bool) -> BTreeSet<String> {
    TABLES.iter().filter(|table| table.is_view == views).map(|table| table.name.to_owned()).collect()
}

fn functions_of_spec() -> BTreeSet<String> {
    FUNCTIONS
        .iter()
        .map(|function| {
            let mut words = vec![function.signature, function.owner];
            words.extend(function.definer.then_some("definer"));
            words.extend(function.callers);
            words.join(" ")
        })
        .collect()
}
