//! The demo tenant of a running service.

use anyhow::{Context, Result};
use serde_json::Value;

use super::api::Person;
use super::service::Service;

pub struct Demo(Value);

impl Demo {
    pub fn of(service: &Service) -> Result<Self> {
        Ok(Self(service.seed()?))
    }

    pub fn tenant(&self) -> Result<&str> {
        self.text("/tenant_id")
    }

    pub fn token(&self, name: &str) -> Result<&str> {
        self.text(&format!("/users/{name}/token"))
    }

    pub fn user(&self, name: &str) -> Result<&str> {
        self.text(&format!("/users/{name}/id"))
    }

    pub fn client(&self, name: &str) -> Result<&str> {
        self.text(&format!("/clients/{name}/id"))
    }

    pub fn room(&self, client: &str) -> Result<String> {
        Ok(format!("chat:room:{}", self.client(client)?))
    }

    pub fn person(&self, service: &Service, name: &str) -> Result<Person> {
        Person::new(service.url(), self.token(name)?)
    }

    fn text(&self, pointer: &str) -> Result<&str> {
        self.0.pointer(pointer).and_then(Value::as_str).with_context(|| format!("the seed has no {pointer}"))
    }
}
