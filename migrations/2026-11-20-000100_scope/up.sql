-- The actor, for the database: three settings that last for one transaction.
-- After COMMIT a custom setting reads as '' instead of NULL, hence the nullif.
CREATE SCHEMA authz;
GRANT USAGE ON SCHEMA authz TO guichet_app, guichet_worker, guichet_authz, guichet_search;
GRANT USAGE ON SCHEMA public TO guichet_app, guichet_worker, guichet_authz, guichet_search;
COMMENT ON SCHEMA authz IS 'The actor and their rights: the functions that row policies call.';

ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

CREATE FUNCTION authz.tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('app.tenant_id', true), '')::uuid $$;

CREATE FUNCTION authz.me() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('app.user_id', true), '')::uuid $$;

-- owner, manager, employee, client, service, platform, or system: see role.rs in guichet-base and tx.rs in guichet-db.
CREATE FUNCTION authz.role() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('app.role', true), '') $$;

GRANT EXECUTE ON FUNCTION authz.tenant(), authz.me(), authz.role()
    TO guichet_app, guichet_worker, guichet_authz, guichet_search;

-- updated_at has millisecond precision and strictly increases, so that no version occurs twice.
CREATE FUNCTION authz.touch() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    NEW.updated_at := greatest(date_trunc('milliseconds', clock_timestamp()), OLD.updated_at + interval '1 millisecond');
    RETURN NEW;
END $$;

CREATE FUNCTION authz.touch_by() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    NEW.updated_at := greatest(date_trunc('milliseconds', clock_timestamp()), OLD.updated_at + interval '1 millisecond');
    NEW.updated_by := authz.me();
    RETURN NEW;
END $$;

CREATE FUNCTION authz.now_ms() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS $$ SELECT date_trunc('milliseconds', clock_timestamp()) $$;
GRANT EXECUTE ON FUNCTION authz.now_ms() TO guichet_app, guichet_worker, guichet_authz;
