//! The tables as Diesel sees them. Generated from the migrated database by `tests/it/schema.rs`; do not edit.

diesel::table! {
    activity_logs (tenant_id, id, created_at) {
        tenant_id -> Uuid,
        id -> Uuid,
        user_id -> Nullable<Uuid>,
        action -> Text,
        entity_type -> Nullable<Text>,
        entity_id -> Nullable<Text>,
        details -> Jsonb,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    client_members (tenant_id, client_id, user_id) {
        tenant_id -> Uuid,
        client_id -> Uuid,
        user_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    client_silences (tenant_id, client_id) {
        tenant_id -> Uuid,
        client_id -> Uuid,
        since -> Timestamptz,
        raised_at -> Timestamptz,
    }
}

diesel::table! {
    clients (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        name -> Text,
        operator_id -> Nullable<Uuid>,
        team_id -> Nullable<Uuid>,
        status -> Text,
        details -> Jsonb,
        updated_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    connect_tickets (tenant_id, digest) {
        tenant_id -> Uuid,
        digest -> Bytea,
        user_id -> Uuid,
        authenticated_at -> Nullable<Timestamptz>,
        token_expires_at -> Timestamptz,
        expires_at -> Timestamptz,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    conversations (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        kind -> Text,
        client_id -> Nullable<Uuid>,
        last_seq -> BigInt,
        head -> BigInt,
        last_message_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        user_one_id -> Nullable<Uuid>,
        user_two_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    deliveries (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        notification_id -> Nullable<Uuid>,
        event_id -> Nullable<Uuid>,
        ticket_id -> Nullable<Uuid>,
        user_id -> Uuid,
        channel -> Text,
        #[sql_name = "type"]
        kind -> Text,
        to_address -> Text,
        lane -> SmallInt,
        status -> Text,
        attempts -> Integer,
        next_attempt_at -> Timestamptz,
        deadline_at -> Timestamptz,
        lease_until -> Nullable<Timestamptz>,
        lease_token -> Nullable<Uuid>,
        rendered -> Nullable<Jsonb>,
        payload_excerpt -> Nullable<Text>,
        provider -> Nullable<Text>,
        provider_id -> Nullable<Text>,
        last_error -> Nullable<Text>,
        sent_at -> Nullable<Timestamptz>,
        delivered_at -> Nullable<Timestamptz>,
        opened_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    digests (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        user_id -> Uuid,
        delivery_id -> Uuid,
        items -> Integer,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    idempotency_keys (tenant_id, user_id, key) {
        tenant_id -> Uuid,
        user_id -> Uuid,
        key -> Text,
        route -> Text,
        body_hash -> Bytea,
        answer -> Json,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    messages (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        conversation_id -> Uuid,
        client_id -> Nullable<Uuid>,
        operator_id -> Nullable<Uuid>,
        seq -> BigInt,
        changed_seq -> BigInt,
        sender_id -> Uuid,
        sender_type -> Text,
        content -> Nullable<Text>,
        related_entity_type -> Nullable<Text>,
        related_entity_id -> Nullable<Text>,
        related_preview -> Nullable<Jsonb>,
        client_message_id -> Nullable<Uuid>,
        delivered_at -> Nullable<Timestamptz>,
        read_at -> Nullable<Timestamptz>,
        edited_at -> Nullable<Timestamptz>,
        deleted_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        user_one_id -> Nullable<Uuid>,
        user_two_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    notification_event_keys (tenant_id, key) {
        tenant_id -> Uuid,
        key -> Text,
        event_id -> Uuid,
        body_hash -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    notification_events (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        event -> Text,
        source -> Text,
        payload -> Jsonb,
        audience -> Jsonb,
        plan -> Jsonb,
        priority -> Text,
        actor_id -> Nullable<Uuid>,
        occurred_at -> Timestamptz,
        status -> Text,
        planned -> Integer,
        written -> Integer,
        skipped -> Integer,
        up_to -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    notification_feeds (tenant_id, user_id) {
        tenant_id -> Uuid,
        user_id -> Uuid,
        head -> BigInt,
        unread -> Integer,
        held -> Integer,
        held_since -> Nullable<Timestamptz>,
        summary_due_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    notification_overrides (tenant_id, client_id, category) {
        tenant_id -> Uuid,
        client_id -> Uuid,
        category -> Text,
        channel_inapp -> Nullable<Bool>,
        channel_email -> Nullable<Bool>,
        channel_sms -> Nullable<Bool>,
        channel_push -> Nullable<Bool>,
        updated_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    notification_preferences (tenant_id, user_id, category) {
        tenant_id -> Uuid,
        user_id -> Uuid,
        category -> Text,
        channel_inapp -> Nullable<Bool>,
        channel_email -> Nullable<Bool>,
        channel_sms -> Nullable<Bool>,
        channel_push -> Nullable<Bool>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    notification_settings (tenant_id, user_id) {
        tenant_id -> Uuid,
        user_id -> Uuid,
        digest_mode -> Text,
        digest_hour -> Integer,
        digest_timezone -> Nullable<Text>,
        digest_due_at -> Nullable<Timestamptz>,
        quiet_from -> Nullable<Time>,
        quiet_to -> Nullable<Time>,
        quiet_timezone -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    notification_skips (tenant_id, event_id, user_id) {
        tenant_id -> Uuid,
        event_id -> Uuid,
        user_id -> Uuid,
        decision -> Jsonb,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    notification_templates (tenant_id, code) {
        tenant_id -> Uuid,
        code -> Text,
        fields -> Jsonb,
        updated_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    notifications (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        recipient_type -> Text,
        recipient_id -> Uuid,
        team_id -> Nullable<Uuid>,
        seq -> BigInt,
        changed_seq -> BigInt,
        event_id -> Uuid,
        #[sql_name = "type"]
        kind -> Text,
        category -> Text,
        title -> Text,
        body -> Text,
        link -> Nullable<Text>,
        data -> Jsonb,
        priority -> Text,
        channel -> Text,
        status -> Text,
        visible -> Bool,
        decision -> Jsonb,
        group_key -> Nullable<Text>,
        in_digest -> Bool,
        digest_id -> Nullable<Uuid>,
        last_event_at -> Timestamptz,
        read_at -> Nullable<Timestamptz>,
        archived_at -> Nullable<Timestamptz>,
        snoozed_until -> Nullable<Timestamptz>,
        expires_at -> Nullable<Timestamptz>,
        deleted_at -> Nullable<Timestamptz>,
        processed_at -> Nullable<Timestamptz>,
        push_sent_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    outbox (tenant_id, topic, seq, created_at) {
        tenant_id -> Uuid,
        topic -> Text,
        seq -> BigInt,
        id -> Uuid,
        event -> Text,
        payload -> Json,
        fanout -> Json,
        client_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        user_ids -> Nullable<Array<Uuid>>,
    }
}

diesel::table! {
    outbox_readers (reader) {
        reader -> Text,
    }
}

diesel::table! {
    participants (tenant_id, conversation_id, user_id) {
        tenant_id -> Uuid,
        conversation_id -> Uuid,
        client_id -> Nullable<Uuid>,
        user_id -> Uuid,
        side -> Text,
        counted -> Bool,
        follows -> Bool,
        read_seq -> BigInt,
        unread_count -> Integer,
    }
}

diesel::table! {
    projects (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        client_id -> Uuid,
        name -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    rejected_events (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        source -> Text,
        body -> Jsonb,
        code -> Text,
        reason -> Text,
        retries -> Integer,
        event_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    scheduled_jobs (name) {
        name -> Text,
        due_at -> Timestamptz,
        lease_until -> Nullable<Timestamptz>,
        lease_token -> Nullable<Uuid>,
        started_at -> Nullable<Timestamptz>,
        finished_at -> Nullable<Timestamptz>,
        outcome -> Nullable<Text>,
        said -> Nullable<Text>,
    }
}

diesel::table! {
    team_members (tenant_id, team_id, user_id) {
        tenant_id -> Uuid,
        team_id -> Uuid,
        user_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    teams (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        name -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    tenants (id) {
        id -> Uuid,
        slug -> Text,
        name -> Text,
        settings -> Jsonb,
        updated_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    users (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        external_id -> Nullable<Text>,
        role -> Text,
        email -> Nullable<Text>,
        phone -> Nullable<Text>,
        display_name -> Text,
        avatar_url -> Nullable<Text>,
        locale -> Text,
        timezone -> Text,
        last_seen_at -> Nullable<Timestamptz>,
        updated_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        sessions_valid_after -> Nullable<Timestamptz>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    activity_logs,
    client_members,
    client_silences,
    clients,
    connect_tickets,
    conversations,
    deliveries,
    digests,
    idempotency_keys,
    messages,
    notification_event_keys,
    notification_events,
    notification_feeds,
    notification_overrides,
    notification_preferences,
    notification_settings,
    notification_skips,
    notification_templates,
    notifications,
    outbox,
    outbox_readers,
    participants,
    projects,
    rejected_events,
    scheduled_jobs,
    team_members,
    teams,
    tenants,
    users
);
