//! The proof that green means something: the schema is made wrong in one place, and the matrix or the gate must see.
//!
//! Mutants of policies, tables and grants are made from the catalog, so that new ones come by themselves; those of
//! functions are clauses taken out of their text. Each lives in a transaction that is rolled back.

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::sql_types::{Nullable, Text};
use diesel::{Connection, QueryableByName, RunQueryDsl, sql_query};

use super::clauses::CLAUSES;
use super::database::ADMIN;
use super::functions::FUNCTIONS;
use super::gate;
use super::identity::identities;
use super::matrix::{Batch, Ground};
use super::probe;

struct Mutant {
    name: String,
    sql: String,
    /// Where it is most likely seen: what is tried first. Everything else is tried after.
    table: String,
}

fn mutant(table: &str, name: String, sql: String) -> Mutant {
    Mutant { name, sql, table: table.to_owned() }
}

#[derive(QueryableByName)]
struct Policy {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    head: String,
    #[diesel(sql_type = Text)]
    verb: String,
    #[diesel(sql_type = Nullable<Text>)]
    using: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    check: Option<String>,
}

fn of_policies(admin: &mut PgConnection) -> Vec<Mutant> {
    let policies: Vec<Policy> = sql_query("SELECT tablename::text AS table, policyname::text AS name, cmd AS verb, qual AS using, with_check AS check,
            format('CREATE POLICY %I ON public.%I AS %s FOR %s TO %s', policyname, tablename, permissive, cmd, array_to_string(roles, ', ')) AS head
        FROM pg_policies WHERE schemaname = 'public' ORDER BY tablename, policyname").load(admin).unwrap();
    policies.iter().flat_map(of_policy).collect()
}

fn of_policy(policy: &Policy) -> Vec<Mutant> {
    let Policy { table, name, head, verb, using, check } = policy;
    let on = format!("{name} ON public.{table}");
    let mut mutants = vec![mutant(table, format!("{name} dropped"), format!("DROP POLICY {on}"))];
    if let Some(using) = using.as_ref().filter(|using| *using != "true") {
        mutants.push(mutant(table, format!("{name} USING (true)"), format!("ALTER POLICY {on} USING (true)")));
        if check.as_ref().is_some_and(|check| check != using) {
            mutants.push(mutant(table, format!("{name} without WITH CHECK"), format!("DROP POLICY {on}; {head} USING ({using})")));
        }
    }
    if check.as_ref().is_some_and(|check| check != "true") {
        mutants.push(mutant(table, format!("{name} WITH CHECK (true)"), format!("ALTER POLICY {on} WITH CHECK (true)")));
    }
    if verb == "ALL" && using.as_ref().is_some_and(|using| using != "true") && check.is_none() {
        mutants.push(mutant(table, format!("{name} WITH CHECK (true) added"), format!("ALTER POLICY {on} WITH CHECK (true)")));
    }
    mutants
}

fn of_tables(admin: &mut PgConnection) -> Vec<Mutant> {
    let tables = gate::names(admin, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')");
    let mut mutants = Vec::new();
    for table in &tables {
        let mut add = |name: &str, sql: String| mutants.push(mutant(table, format!("{table} {name}"), sql));
        add("un-forced", format!("ALTER TABLE public.{table} NO FORCE ROW LEVEL SECURITY"));
        add("with row-level security disabled", format!("ALTER TABLE public.{table} DISABLE ROW LEVEL SECURITY"));
        add("owned by guichet_app", format!("ALTER TABLE public.{table} OWNER TO guichet_app"));
        add("without a comment", format!("COMMENT ON TABLE public.{table} IS NULL"));
        for verb in ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"] {
            add(&format!("{verb} granted to PUBLIC"), format!("GRANT {verb} ON public.{table} TO PUBLIC"));
            for role in ["guichet_app", "guichet_worker", "guichet_authz", "guichet_search"] {
                let has = format!("SELECT 'yes' WHERE has_table_privilege('{role}', 'public.{table}', '{verb}')");
                if gate::names(admin, &has).is_empty() {
                    add(&format!("{verb} granted to {role}"), format!("GRANT {verb} ON public.{table} TO {role}"));
                }
            }
        }
    }
    mutants
}

fn of_grants_taken(admin: &mut PgConnection) -> Vec<Mutant> {
    let grants = gate::names(admin, "SELECT concat_ws(' ', a.privilege_type, c.relname, a.grantee::regrole) FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.relnamespace = 'public'::regnamespace AND a.grantee <> c.relowner
        UNION SELECT concat_ws(' ', a.privilege_type || '(' || t.attname || ')', c.relname, a.grantee::regrole)
          FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a WHERE c.relnamespace = 'public'::regnamespace");
    grants.iter().map(|grant| {
        let [verb, table, role] = grant.split(' ').collect::<Vec<_>>()[..] else { panic!("{grant}") };
        mutant(table, format!("{verb} on {table} taken from {role}"), format!("REVOKE {verb} ON public.{table} FROM {role}"))
    }).collect()
}

fn of_triggers(admin: &mut PgConnection) -> Vec<Mutant> {
    let guards = gate::names(admin, "SELECT concat_ws(' ', t.tgname, c.relname) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE t.tgname LIKE '%\\_guard' AND NOT t.tgisinternal");
    guards.iter().map(|guard| {
        let (name, table) = guard.split_once(' ').unwrap();
        mutant(table, format!("{name} dropped"), format!("DROP TRIGGER {name} ON public.{table}"))
    }).collect()
}

fn of_functions(admin: &mut PgConnection) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    for function in &FUNCTIONS {
        let name = function.signature;
        let mut add = |what: &str, sql: String| mutants.push(mutant("functions", format!("{name} {what}"), sql));
        add("open to PUBLIC", format!("GRANT EXECUTE ON FUNCTION {name} TO PUBLIC"));
        add("owned by the administrator", format!("ALTER FUNCTION {name} OWNER TO {ADMIN}"));
        if function.definer {
            add("as its caller", format!("ALTER FUNCTION {name} SECURITY INVOKER"));
            add("with the caller's search_path", format!("ALTER FUNCTION {name} RESET search_path"));
        }
        for role in function.callers {
            add(&format!("closed to {role}"), format!("REVOKE EXECUTE ON FUNCTION {name} FROM {role}"));
        }
    }
    for clause in &CLAUSES {
        let text = gate::names(admin, &format!("SELECT pg_get_functiondef('{}'::regprocedure)", clause.function)).remove(0);
        assert!(text.contains(clause.was), "{} does not say {:?}", clause.function, clause.was);
        let name = format!("{}: {:?} made {:?}", clause.function, clause.was, clause.becomes);
        mutants.push(mutant(clause.table, name, text.replacen(clause.was, clause.becomes, 1)));
    }
    mutants
}

/// Things that nobody should add to the schema.
fn additions() -> Vec<Mutant> {
    [
        "CREATE TABLE public.stray (tenant_id uuid NOT NULL, id uuid)",
        "CREATE VIEW public.peek AS SELECT * FROM public.messages",
        "CREATE MATERIALIZED VIEW public.peek AS SELECT * FROM public.messages",
        "CREATE UNIQUE INDEX stray ON public.users (email)",
        "CREATE UNIQUE INDEX stray ON public.users (id); ALTER TABLE public.projects ADD COLUMN by uuid REFERENCES public.users (id)",
        "CREATE FUNCTION authz.stray() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        "CREATE FUNCTION public.stray() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE POLICY stray ON public.messages FOR SELECT TO guichet_app USING (sender_type = 'client')",
        "CREATE POLICY stray ON public.messages FOR DELETE TO PUBLIC USING (false)",
        "GRANT SELECT ON public.users TO guichet_app WITH GRANT OPTION",
        "GRANT SELECT (email) ON public.users TO PUBLIC",
        "GRANT USAGE ON SCHEMA authz TO PUBLIC",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "GRANT CREATE ON SCHEMA authz TO guichet_app",
        "ALTER TABLE public.users ALTER COLUMN display_name DROP NOT NULL, ADD COLUMN secret text",
    ].into_iter().map(|sql| mutant("users", sql.to_owned(), sql.to_owned())).collect()
}

#[derive(Default)]
struct Score {
    by_matrix: usize,
    by_gate: usize,
    survivors: Vec<String>,
}

/// Tries the likeliest place first: the table at hand, the functions, the catalog; then all the rest.
fn judge(admin: &mut PgConnection, mutant: &Mutant, batches: &[Batch], score: &mut Score) {
    let done = admin.transaction::<(), _, _>(|admin| {
        admin.batch_execute(&mutant.sql).unwrap_or_else(|error| panic!("{}: {error}", mutant.name));
        let near = |batch: &&Batch| batch.table == mutant.table || batch.table == "functions";
        let far = |batch: &&Batch| !near(batch);
        if batches.iter().filter(near).any(|batch| is_red(admin, batch)) {
            score.by_matrix += 1;
        } else if !gate::faults(admin).is_empty() {
            score.by_gate += 1;
        } else if batches.iter().filter(far).any(|batch| is_red(admin, batch)) {
            score.by_matrix += 1;
        } else {
            score.survivors.push(mutant.name.clone());
        }
        Err(diesel::result::Error::RollbackTransaction)
    });
    assert!(matches!(done, Err(diesel::result::Error::RollbackTransaction)), "{}: {done:?}", mutant.name);
}

fn is_red(admin: &mut PgConnection, batch: &Batch) -> bool {
    !probe::run(admin, batch.who, &batch.cells).is_empty()
}

/// "The RLS matrix covers every table × role × verb, and every policy mutant turns it red": the second half.
#[test]
fn every_mutant_of_the_schema_turns_the_matrix_or_the_gate_red() {
    let started = std::time::Instant::now();
    let ground = Ground::lay();
    let admin = &mut ground.database.connect(ADMIN);
    let mut mutants = of_policies(admin);
    let policies = mutants.len();
    for more in [of_tables(admin), of_grants_taken(admin), of_triggers(admin), of_functions(admin), additions()] {
        mutants.extend(more);
    }
    let who = identities();
    let batches = ground.batches(&who);
    let mut score = Score::default();
    for mutant in &mutants {
        judge(admin, mutant, &batches, &mut score);
    }
    println!("security mutants: {} in all, {policies} of policies; {} killed by the matrix, {} by the gate, {} survive; {:.1} s",
        mutants.len(), score.by_matrix, score.by_gate, score.survivors.len(), started.elapsed().as_secs_f32());
    assert!(score.survivors.is_empty(), "{} mutants survive:\n{}", score.survivors.len(), score.survivors.join("\n"));
}
