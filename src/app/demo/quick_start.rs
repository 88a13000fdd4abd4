//! The text for newcomers: the people of the demo, and three commands to paste.

use std::fmt::Write as _;

use super::DemoTenant;

impl DemoTenant {
    /// One line per person: name, role, token.
    pub fn people_text(&self) -> String {
        let mut out = String::new();
        for (word, user) in &self.users {
            let _ = writeln!(out, "  {word:<6} {:<9} {}", user.role.into_str(), user.token);
        }
        let _ = writeln!(out, "  {:<6} {:<9} {}", "-", "service", self.service_token);
        out
    }

    /// The address, the tokens, and the first commands to try.
    pub fn quick_start(&self, url: &str) -> String {
        let token = |word: &str| self.users.get(word).map(|user| user.token.as_str()).unwrap_or_default();
        let client = self.clients.get("atelier_nord").map(|c| c.id.to_string()).unwrap_or_default();
        let (chloe, emma) = (token("chloe"), token("emma"));
        let people = self.people_text();
        format!(
            "\n\
             guichet listens on {url}   (docs: {url}/docs/)\n\n\
             Demo people, with tokens good for a day:\n{people}\n\
             Chloé, of the client Atelier Nord, writes to the desk:\n\
             curl -s -H 'Authorization: Bearer {chloe}' -H 'Content-Type: application/json' \
             -d '{{\"content\":\"Bonjour, où en est ma commande ?\"}}' {url}/api/v1/clients/{client}/messages\n\n\
             Emma, in charge of Atelier Nord, sees her rooms:\n\
             curl -s -H 'Authorization: Bearer {emma}' {url}/api/v1/conversations\n\n\
             Emma reads what was said:\n\
             curl -s -H 'Authorization: Bearer {emma}' {url}/api/v1/clients/{client}/messages\n\n"
        )
    }
}
