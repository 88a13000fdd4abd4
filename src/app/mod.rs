//! The composition root: builds every module of the service and connects them.

pub mod afritalk;
mod api;
pub mod asyncapi;
mod deliveries;
pub mod demo;
mod jobs;
mod lifecycle;
mod metrics;
pub mod openapi;
pub mod postgres;
mod presence;
mod routes;
mod serve;
pub mod socket_backend;
mod tcp_options;
mod topic;

use std::sync::Arc;
use std::time::{Duration, Instant};

use guichet_base::Clock;
use guichet_db::{self, Db};
use guichet_realtime::{self, Hub, Realtime};
pub use lifecycle::{Lifecycle, shutdown_signal};
pub use serve::{RunningService, start};

use crate::activity;
use crate::activity::connections::ConnectionLog;
use crate::auth::{AuthMiddleware, Authenticator, TokenVerifier};
use crate::chat::{Chat, DeliveredMarks, Typing};
use crate::config::Config;
use crate::deliveries::{self as delivery_worker, Deliveries};
use crate::directory::{Directory, DirectoryParts, PresenceReader, RightsChanged};
use crate::jobs::Scheduler;
use crate::notifications::intake::Intake;
use crate::notifications::{self, Notifications};
use crate::web::health::Readiness;
use crate::web::rate_limit::{Rate, RateLimitSettings, RateLimits};

/// All parts of the service. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub config: Arc<Config>,
    pub db: Db,
    pub directory: Directory,
    pub notifications: Notifications,
    /// Set if Redis is configured.
    pub intake: Option<Intake>,
    pub scheduler: Scheduler,
    pub deliveries: Deliveries,
    pub chat: Chat,
    pub realtime: Arc<Realtime>,
    pub auth: AuthMiddleware,
    pub readiness: Readiness,
    pub lifecycle: Lifecycle,
}

impl App {
    /// Builds the service without connecting to anything. Errors: an impossible configuration.
    pub fn new(config: Config, settings: &guichet_db::DbSettings, clock: Clock) -> anyhow::Result<Self> {
        let db = Db::new(settings);
        let hub = Arc::new(Hub::new(guichet_realtime::HubParts {
            clock: clock.clone(),
            presence_timeouts: presence::presence_timeouts(&config.realtime),
            spelling: afritalk::spelling(),
            tables: vec![&crate::chat::MESSAGES, &notifications::NOTIFICATIONS],
        }));
        let lifecycle = Lifecycle::new();
        let directory = build_directory(&config, &db, &hub, &clock);
        let authenticator = authenticator(&config, &directory)?;
        let notifications = Notifications {
            db: db.clone(),
            directory: directory.clone(),
            hub: Arc::clone(&hub),
            clock: clock.clone(),
            settings: notification_settings(&config.notifications),
            audiences_due: Arc::default(),
            deliveries_due: Arc::default(),
        };
        let deliveries = deliveries::build(&config.deliveries, &notifications);
        let scheduler = jobs::scheduler(&config, &notifications, &deliveries);
        let chat = Chat {
            db: db.clone(),
            directory: directory.clone(),
            hub: Arc::clone(&hub),
            notifications: notifications.clone(),
            clock: clock.clone(),
            delivered: DeliveredMarks::default(),
            typing: Typing::new(Arc::clone(&hub)),
            edit_window: Duration::from_secs(config.features.message_edit_window_secs.into()),
        };
        let (attendance, book) = ConnectionLog::new();
        let limits = RateLimits::new(rate_limit_settings(&config));
        let host = Arc::new(socket_backend::ServiceBackend {
            authenticator: authenticator.clone(),
            directory: directory.clone(),
            chat: chat.clone(),
            notifications: notifications.clone(),
            connections: attendance,
            limits: limits.clone(),
        });
        let stop = lifecycle.stop_token();
        lifecycle.spawn("attendance", book.run(db.clone(), stop));
        let realtime = Realtime::new(
            hub,
            host,
            db.clone(),
            clock,
            socket_settings(&config),
            lifecycle.tracker().clone(),
        );
        let realtime = Arc::new(realtime);
        let gate = AuthMiddleware { authenticator, limits };
        let intake = intake(&config, &notifications)?;
        let readiness = readiness(&db, intake.as_ref());
        Ok(Self {
            config: Arc::new(config),
            db,
            directory,
            notifications,
            intake,
            scheduler,
            deliveries,
            chat,
            realtime,
            auth: gate,
            readiness,
            lifecycle,
        })
    }

    /// Starts the tasks that live as long as the service.
    pub fn spawn_tasks(&self) {
        let stop = self.lifecycle.stop_token();
        self.realtime.spawn(self.lifecycle.tracker(), &stop);
        self.lifecycle
            .spawn("delivered", crate::chat::delivered::run_writer(self.chat.clone(), stop.clone()));
        self.lifecycle.spawn("typing", self.chat.typing.clone().run(stop.clone()));
        self.lifecycle
            .spawn("events", notifications::events::runner::run(self.notifications.clone(), stop.clone()));
        if let Some(intake) = &self.intake {
            self.lifecycle.spawn("intake", intake.clone().run(stop.clone()));
        }
        if self.config.server.jobs_enabled {
            self.lifecycle.spawn("jobs", self.scheduler.clone().run(stop.clone()));
        }
        self.lifecycle
            .spawn("signs", crate::directory::last_seen::run_writer(self.directory.clone(), stop.clone()));
        self.lifecycle.spawn("activity", activity::derive::run_deriver(self.db.clone(), stop.clone()));
        let tracker = self.lifecycle.tracker().clone();
        self.lifecycle
            .spawn("deliveries", delivery_worker::run_worker(self.deliveries.clone(), tracker, stop.clone()));
        self.lifecycle.spawn(
            "delivery gauges",
            delivery_worker::gauges::run_gauges(self.deliveries.clone(), stop.clone()),
        );
        self.lifecycle.spawn("metrics", metrics::run_sampler(self.db.clone(), stop));
    }
}

fn authenticator(config: &Config, directory: &Directory) -> anyhow::Result<Authenticator> {
    let secret = config.tokens.hs256_secret(&config.server.data_dir)?;
    let tokens = TokenVerifier::new(&config.tokens, secret.as_ref(), directory.clock().clone())?;
    Ok(Authenticator { directory: directory.clone(), tokens, jit_users: config.jit_users() })
}

fn build_directory(config: &Config, db: &Db, hub: &Arc<Hub>, clock: &Clock) -> Directory {
    let moved = Arc::clone(hub);
    let rights_moved = RightsChanged::new(move |tenant, people| moved.reauthorize_people(tenant, people));
    let presence = PresenceReader::new(presence::HubPresence(Arc::clone(hub)));
    Directory::new(DirectoryParts {
        db: db.clone(),
        clock: clock.clone(),
        features: config.features.clone(),
        presence,
        on_rights_changed: rights_moved,
    })
}

fn socket_settings(config: &Config) -> guichet_realtime::Settings {
    use crate::config::AllowedOrigins;
    guichet_realtime::Settings {
        connections_per_person: config.realtime.connections_per_person,
        frames_per_10s: config.realtime.frames_per_10s,
        max_concurrent_lookups: usize::try_from(config.database.pool_size / 2).unwrap_or(1),
        retention_days: i32::try_from(config.realtime.replay_retention_days).unwrap_or(i32::MAX),
        origins: match &config.server.cors_origins {
            AllowedOrigins::Any => None,
            AllowedOrigins::Only(list) => Some(list.clone()),
        },
        ..guichet_realtime::Settings::default()
    }
}

fn notification_settings(config: &crate::config::NotificationsConfig) -> notifications::Settings {
    let hours = u64::from(config.default_ttl_hours);
    notifications::Settings {
        rate_per_min: usize::try_from(config.rate_per_min).unwrap_or(usize::MAX),
        default_ttl: (hours > 0).then(|| Duration::from_secs(hours * 3_600)),
        replay_limit: config.replay_limit.into(),
        email_enabled: config.email_enabled,
        sms_enabled: config.sms_enabled,
    }
}

fn rate_limit_settings(config: &Config) -> RateLimitSettings {
    let of = |limit: Option<crate::config::RateLimitConfig>| {
        limit.map_or(Rate { rps: 0, burst: 0 }, |l| Rate { rps: l.requests_per_second, burst: l.burst })
    };
    let limits = &config.limits;
    RateLimitSettings {
        person: of(limits.person_limit()),
        service: of(limits.service_limit()),
        anonymous: of(limits.address_limit()),
        ..RateLimitSettings::default()
    }
}

fn intake(config: &Config, notifications: &Notifications) -> anyhow::Result<Option<Intake>> {
    let Some(url) = &config.redis.url else { return Ok(None) };
    Ok(Some(Intake::new(notifications.clone(), &url.0, &config.redis.prefix)?))
}

fn readiness(db: &Db, intake: Option<&Intake>) -> Readiness {
    let database = db.clone();
    let readiness = Readiness::new().with_required("database", move || {
        let db = database.clone();
        async move {
            let asked = Instant::now();
            db.anonymous(|conn| {
                postgres::is_schema_present(conn)?.then_some(()).ok_or_else(|| {
                    guichet_base::Error::unavailable("migrations are missing: run `guichet migrate`")
                })
            })
            .await?;
            Ok(asked.elapsed())
        }
    });
    match intake.cloned() {
        Some(intake) => readiness.with_optional("redis", move || {
            let intake = intake.clone();
            async move { intake.check().await }
        }),
        None => readiness,
    }
}
