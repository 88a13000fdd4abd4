//! A tenant's defaults for people who made no choice: `settings.defaults.notifications.{category}.{channel}`.

use serde_json::Value;

use super::model::{Category, ChannelChoices, PerChannel};

/// View of the tenant's defaults in its settings. Unknown categories, channels and non-boolean values are ignored.
#[derive(Debug, Clone, Copy)]
pub struct TenantDefaults<'a>(Option<&'a Value>);

pub fn tenant_defaults(settings: &Value) -> TenantDefaults<'_> {
    TenantDefaults(settings.pointer("/defaults/notifications"))
}

impl TenantDefaults<'_> {
    pub fn for_category(&self, category: Category) -> ChannelChoices {
        let choices = self.0.and_then(|all| all.get(category.into_str()));
        PerChannel::from_fn(|channel| choices?.get(channel.into_str())?.as_bool())
    }
}
