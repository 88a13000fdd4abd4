DROP FUNCTION authz.now_ms(), authz.touch_by(), authz.touch(), authz.role(), authz.me(), authz.tenant();
DROP SCHEMA authz;
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
REVOKE USAGE ON SCHEMA public FROM guichet_app, guichet_worker, guichet_authz, guichet_search;
