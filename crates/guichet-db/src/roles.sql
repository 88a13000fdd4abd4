-- The login roles of guichet, one per trust level, and the two that own functions. Safe to repeat.
-- Run by an administrator: `guichet migrate --create-roles`, or the embedded server's own start.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['guichet_owner', 'guichet_app', 'guichet_worker', 'guichet_authz', 'guichet_search'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I', wanted);
        END IF;
    END LOOP;
END $$;
-- NOINHERIT: the owner may hand functions to guichet_authz and guichet_search, and still sees no row by them.
ALTER ROLE guichet_owner LOGIN NOINHERIT NOSUPERUSER NOCREATEROLE NOCREATEDB;
ALTER ROLE guichet_app LOGIN NOINHERIT NOSUPERUSER NOCREATEROLE NOCREATEDB;
ALTER ROLE guichet_worker LOGIN NOINHERIT NOSUPERUSER NOCREATEROLE NOCREATEDB;
ALTER ROLE guichet_authz NOLOGIN NOINHERIT NOSUPERUSER NOCREATEROLE NOCREATEDB;
ALTER ROLE guichet_search NOLOGIN NOINHERIT NOSUPERUSER NOCREATEROLE NOCREATEDB;
GRANT guichet_authz, guichet_search TO guichet_owner;
-- A request that hangs must not hold a connection, a lock or a snapshot.
ALTER ROLE guichet_app SET statement_timeout = '10s';
ALTER ROLE guichet_app SET lock_timeout = '5s';
ALTER ROLE guichet_app SET idle_in_transaction_session_timeout = '15s';
ALTER ROLE guichet_worker SET statement_timeout = '60s';
ALTER ROLE guichet_worker SET lock_timeout = '10s';
ALTER ROLE guichet_worker SET idle_in_transaction_session_timeout = '60s';
-- In the database at hand: the owner makes the tables, nobody else makes anything.
DO $$ BEGIN EXECUTE format('GRANT guichet_owner TO %I', current_user); END $$;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO guichet_owner', current_database()); END $$;
ALTER SCHEMA public OWNER TO guichet_owner;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
