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
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    activity_logs,
    client_members,
    clients,
    conversations,
    idempotency_keys,
    messages,
    outbox,
    outbox_readers,
    participants,
    projects,
    team_members,
    teams,
    tenants,
    users
);
