//! Feature flags. A feature is on unless the configuration or the tenant's settings turn it off, or this version
//! lacks it.

use std::collections::BTreeMap;
use std::sync::Arc;
use strum::VariantArray;

use guichet_base::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::config::{self, Feature};

/// The features of this version. All others read as off, and requests for them get `FEATURE_DISABLED`.
const AVAILABLE: [Feature; 6] =
    [Feature::Chat, Feature::Direct, Feature::Presence, Feature::Notifications, Feature::Email, Feature::Sms];

/// The features that are off for one tenant.
#[derive(Debug, Clone)]
pub struct FeatureSet {
    off: Arc<[Feature]>,
}

impl FeatureSet {
    /// `settings` are the tenant's: `{"features": {"tickets": false}}`.
    pub fn new(configured: &config::FeaturesConfig, settings: &Value) -> Self {
        let off_here = |feature: &Feature| {
            let said = settings.get("features").and_then(|features| features.get(feature.into_str()));
            !AVAILABLE.contains(feature) || !configured.is_on(*feature) || said == Some(&Value::Bool(false))
        };
        Self { off: Feature::VARIANTS.iter().copied().filter(off_here).collect() }
    }

    pub fn is_on(&self, feature: Feature) -> bool {
        !self.off.contains(&feature)
    }

    /// Errors: `FEATURE_DISABLED`.
    pub fn require(&self, feature: Feature) -> Result<()> {
        if self.is_on(feature) { Ok(()) } else { Err(Error::new(ErrorKind::Forbidden, "FEATURE_DISABLED")) }
    }

    /// As `GET /me` shows them.
    pub fn as_map(&self) -> BTreeMap<&'static str, bool> {
        Feature::VARIANTS.iter().copied().map(|feature| (feature.into_str(), self.is_on(feature))).collect()
    }
}
