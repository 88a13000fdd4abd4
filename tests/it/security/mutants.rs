//! Mutation tests: the schema is made wrong in one place, and the matrix or the catalog rules must notice.
//!
//! Mutants of policies, tables and grants are generated from the catalog, so that new ones are included; those of
//! functions remove clauses of their text. Each is rolled back.

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::sql_types::{Nullable, Text};
use diesel::{Connection, QueryableByName, RunQueryDsl, sql_query};

use super::atoms;
use super::clauses::CLAUSES;
use super::database::ADMIN;
use super::functions::FUNCTIONS;
use super::gate;
use super::identity::identities;
use super::matrix::{Batch, MatrixFixture};
use super::probe;

struct Mutant {
    name: String,
    sql: String,
    /// The table that most likely shows it, tested first.
    table: String,
    /// The role that most likely shows it.
    db_role: String,
    /// Only the catalog rules can show it, or show it first.
    of_catalog: bool,
}

fn mutant(table: &str, name: String, sql: String) -> Mutant {
    Mutant { name, sql, table: table.to_owned(), db_role: "guichet_app".to_owned(), of_catalog: false }
}

impl Mutant {
    fn seen_by(self, db_role: &str) -> Self {
        Self { db_role: db_role.to_owned(), ..self }
    }

    fn of_catalog(self) -> Self {
        Self { of_catalog: true, ..self }
    }
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
    #[diesel(sql_type = Text)]
    db_role: String,
}

fn of_policies(admin: &mut PgConnection) -> Vec<Mutant> {
    let policies: Vec<Policy> = sql_query("SELECT tablename::text AS table, policyname::text AS name, cmd AS verb, qual AS using, with_check AS check,
            roles[1]::text AS db_role,
            format('CREATE POLICY %I ON public.%I AS %s FOR %s TO %s', policyname, tablename, permissive, cmd, array_to_string(roles, ', ')) AS head
        FROM pg_policies WHERE schemaname = 'public' ORDER BY tablename, policyname").load(admin).unwrap();
    policies.iter().flat_map(of_policy).collect()
}

fn of_policy(policy: &Policy) -> Vec<Mutant> {
    let Policy { table, name, head, verb, using, check, db_role } = policy;
    let on = format!("{name} ON public.{table}");
    let mut mutants = vec![mutant(table, format!("{name} dropped"), format!("DROP POLICY {on}"))];
    if let Some(using) = using.as_ref().filter(|using| *using != "true") {
        mutants.push(mutant(
            table,
            format!("{name} USING (true)"),
            format!("ALTER POLICY {on} USING (true)"),
        ));
        if check.as_ref().is_some_and(|check| check != using) {
            mutants.push(mutant(
                table,
                format!("{name} without WITH CHECK"),
                format!("DROP POLICY {on}; {head} USING ({using})"),
            ));
        }
    }
    if check.as_ref().is_some_and(|check| check != "true") {
        mutants.push(mutant(
            table,
            format!("{name} WITH CHECK (true)"),
            format!("ALTER POLICY {on} WITH CHECK (true)"),
        ));
    }
    if verb == "ALL" && using.as_ref().is_some_and(|using| using != "true") && check.is_none() {
        mutants.push(mutant(
            table,
            format!("{name} WITH CHECK (true) added"),
            format!("ALTER POLICY {on} WITH CHECK (true)"),
        ));
    }
    for (clause, expression) in [("USING", using), ("WITH CHECK", check)] {
        for (what, whole) in expression.iter().flat_map(|expression| atoms::variants(expression)) {
            mutants.push(mutant(
                table,
                format!("{name} {clause}: {what}"),
                format!("ALTER POLICY {on} {clause} ({whole})"),
            ));
        }
    }
    mutants.into_iter().map(|mutant| mutant.seen_by(db_role)).collect()
}

fn of_tables(admin: &mut PgConnection) -> Vec<Mutant> {
    // Partitions are alike: one stands for all.
    let tables = gate::names(admin, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> '__diesel_schema_migrations'
        UNION ALL (SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relispartition ORDER BY 1 LIMIT 1)");
    let mut mutants = Vec::new();
    for table in &tables {
        for (name, change) in [
            ("un-forced", "NO FORCE ROW LEVEL SECURITY"),
            ("with row-level security disabled", "DISABLE ROW LEVEL SECURITY"),
        ] {
            mutants.push(
                mutant(table, format!("{table} {name}"), format!("ALTER TABLE public.{table} {change}"))
                    .seen_by("guichet_owner"),
            );
        }
        for (name, change) in [
            ("owned by guichet_app", format!("ALTER TABLE public.{table} OWNER TO guichet_app")),
            ("unexplained", format!("COMMENT ON TABLE public.{table} IS NULL")),
        ] {
            mutants.push(mutant(table, format!("{table} {name}"), change).of_catalog());
        }
        for verb in ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"] {
            for role in ["PUBLIC", "guichet_app", "guichet_worker"] {
                let has = format!(
                    "SELECT 'yes' WHERE has_table_privilege('{}', 'public.{table}', '{verb}')",
                    role.to_lowercase()
                );
                if gate::names(admin, &has).is_empty() {
                    let granted = mutant(
                        table,
                        format!("{table}: {verb} granted to {role}"),
                        format!("GRANT {verb} ON public.{table} TO {role}"),
                    );
                    let open = role == "PUBLIC" || ["TRUNCATE", "REFERENCES", "TRIGGER"].contains(&verb);
                    mutants.push(if open { granted.of_catalog() } else { granted.seen_by(role) });
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
    grants
        .iter()
        .map(|grant| {
            let [verb, table, role] = grant.split(' ').collect::<Vec<_>>()[..] else { panic!("{grant}") };
            mutant(
                table,
                format!("{verb} on {table} taken from {role}"),
                format!("REVOKE {verb} ON public.{table} FROM {role}"),
            )
            .seen_by(role)
        })
        .collect()
}

fn of_triggers(admin: &mut PgConnection) -> Vec<Mutant> {
    let guards = gate::names(
        admin,
        "SELECT concat_ws(' ', t.tgname, c.relname) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE t.tgname LIKE '%\\_guard' AND NOT t.tgisinternal",
    );
    guards
        .iter()
        .map(|guard| {
            let (name, table) = guard.split_once(' ').unwrap();
            mutant(table, format!("{name} dropped"), format!("DROP TRIGGER {name} ON public.{table}"))
        })
        .collect()
}

fn of_functions(admin: &mut PgConnection) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    for function in &FUNCTIONS {
        let name = function.signature;
        let mut add = |what: &str, sql: String| {
            mutants.push(mutant("functions", format!("{name} {what}"), sql).of_catalog())
        };
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
        let text =
            gate::names(admin, &format!("SELECT pg_get_functiondef('{}'::regprocedure)", clause.function))
                .remove(0);
        assert!(text.contains(clause.was), "{} does not say {:?}", clause.function, clause.was);
        let name = format!("{}: {:?} made {:?}", clause.function, clause.was, clause.becomes);
        mutants.push(mutant(clause.table, name, text.replacen(clause.was, clause.becomes, 1)));
    }
    mutants
}

/// Objects that must not be added to the schema.
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
    ].into_iter().map(|sql| mutant("users", sql.to_owned(), sql.to_owned()).of_catalog()).collect()
}

/// Statements between two checks of the mutant's state.
const STRIDE: usize = 40;

#[derive(Default)]
struct Score {
    by_matrix: usize,
    by_gate: usize,
    survivors: Vec<String>,
}

impl Score {
    /// Tests the likeliest place first: its table with its role; then the catalog; then everything else.
    fn judge(&mut self, admin: &mut PgConnection, mutant: &Mutant, batches: &[Batch]) {
        let done = admin.transaction::<(), _, _>(|admin| {
            admin.batch_execute(&mutant.sql).unwrap_or_else(|error| panic!("{}: {error}", mutant.name));
            let near = |batch: &&Batch| batch.table == mutant.table;
            let nearest = |batch: &&Batch| near(batch) && batch.who.db_role == mutant.db_role;
            if mutant.of_catalog && !gate::faults(admin).is_empty() {
                self.by_gate += 1;
            } else if batches.iter().filter(nearest).any(|batch| is_red(admin, batch)) {
                self.by_matrix += 1;
            } else if !gate::faults(admin).is_empty() {
                self.by_gate += 1;
            } else if batches.iter().filter(near).any(|batch| is_red(admin, batch))
                || batches.iter().filter(|batch| !near(batch)).any(|batch| is_red(admin, batch))
            {
                self.by_matrix += 1;
            } else {
                self.survivors.push(mutant.name.clone());
            }
            Err(diesel::result::Error::RollbackTransaction)
        });
        assert!(matches!(done, Err(diesel::result::Error::RollbackTransaction)), "{}: {done:?}", mutant.name);
    }

    fn add(&mut self, other: Score) {
        self.by_matrix += other.by_matrix;
        self.by_gate += other.by_gate;
        self.survivors.extend(other.survivors);
    }
}

fn is_red(admin: &mut PgConnection, batch: &Batch) -> bool {
    batch.cells.chunks(STRIDE).any(|cells| !probe::run(admin, batch.who, cells).is_empty())
}

fn all(admin: &mut PgConnection) -> Vec<Mutant> {
    let mut mutants = of_policies(admin);
    for more in
        [of_tables(admin), of_grants_taken(admin), of_triggers(admin), of_functions(admin), additions()]
    {
        mutants.extend(more);
    }
    mutants
}

/// Tests every second mutant on its own database, since schema changes lock it.
/// The share of mutants that a run tries: all of them in CI, elsewhere a quarter, another one each day. All take 75 s on
/// two processors.
#[derive(Clone, Copy)]
struct Sample {
    start: usize,
    step: usize,
}

impl Sample {
    fn of_this_run() -> Self {
        if std::env::var_os("CI").is_some() {
            return Self { start: 0, step: 1 };
        }
        let days = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() / 86_400;
        Self { start: (days % 4) as usize, step: 4 }
    }
}

fn judge_half(half: usize, sample: Sample) -> Score {
    let ground = MatrixFixture::lay();
    let admin = &mut ground.database.connect(ADMIN);
    let who = identities();
    let batches = ground.batches(&who);
    let mut score = Score::default();
    for mutant in all(admin).iter().skip(sample.start).step_by(sample.step).skip(half).step_by(2) {
        score.judge(admin, mutant, &batches);
    }
    score
}

/// Second half of: "The RLS matrix covers every table × role × verb, and every policy mutant turns it red".
#[test]
fn every_mutant_of_the_schema_turns_the_matrix_or_the_gate_red() {
    let started = std::time::Instant::now();
    let sample = Sample::of_this_run();
    let score = std::thread::scope(|scope| {
        let other = scope.spawn(|| judge_half(1, sample));
        let mut score = judge_half(0, sample);
        score.add(other.join().unwrap());
        score
    });
    println!(
        "security mutants, one of {}: {} killed by the matrix, {} by the gate, {} survive; {:.1} s",
        sample.step,
        score.by_matrix,
        score.by_gate,
        score.survivors.len(),
        started.elapsed().as_secs_f32()
    );
    assert!(
        score.survivors.is_empty(),
        "{} mutants survive:\n{}",
        score.survivors.len(),
        score.survivors.join("\n")
    );
}
