"""The tables of Tableau Server's repository `workgroup` that we read or write: their columns, types and releases.

Facts of Tableau's public data dictionary, snapshots 2019.3 to 2025.3 [V]; what is marked [B] is believed. A column
that is not in a release is in none of its repositories, and nothing here says what else a table may have.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

RELEASES = tuple(
    "2019.3 2019.4 2020.1 2020.2 2020.3 2020.4 2021.1 2021.2 2021.3 2021.4 2022.1 2022.2 2022.3 2023.1 2023.3 2024.2 "
    "2025.1 2025.3 2026.2 2026.3".split()
)
"""Those whose tables are told; the last two are known by their new tables alone and keep the others of 2025.3 [B]."""
NEWEST = RELEASES[-1]

_TYPES = {
    "": "integer",
    "b": "boolean",
    "c": "varchar",
    "d": "date",
    "j": "json",
    "l": "bigint",
    "m": "timestamp",
    "s": "smallint",
    "t": "text",
    "u": "uuid",
    "z": "timestamptz",
}

_TABLES = """
sites
  2019.3 id name:c url_namespace:c status:c created_at:m updated_at:m content_admin_mode storage_quota:l
    status_reason:c subscriptions_enabled:b custom_subscription_footer:t custom_subscription_email:t luid:u
    authoring_disabled:b sheet_image_enabled:b refresh_token_setting version_history_enabled:b
    notification_enabled:b content_version_limit subscribe_others_enabled:b lock_version guest_access_enabled:b
    support_access_enabled:b cache_warmup_enabled:b cache_warmup_threshold:s data_alerts_enabled:b
    allow_live_query_sync:b commenting_enabled:b self_service_schedules_enabled:b tier_interactor_capacity
    tier_basic_user_capacity tier_author_capacity viz_in_tooltip_enabled:b protocol_cache_lifetime
    protocol_group_size_limit commenting_mentions_enabled:b mixed_content_enabled:b
    site_invite_notification_enabled:b extract_encryption_mode:s flows_enabled:b materialized_views_enabled:b
    allow_subscriptions_attach_pdf:b materialized_views_mode:s start_page_uri:c afe_enabled:b sandbox_enabled:b
    viz_recs_enabled:b biometrics_mobile_enabled:b iba_enabled:b named_sharing_enabled:b sandbox_storage_quota:l
    sandbox_datasources_enabled:b sandbox_flows_enabled:b cataloging_enabled:b derived_permissions_enabled:b
  2019.4 viz_recs_username_enabled:b user_visibility request_access ask_data_mode:t run_now_enabled:b
    web_extraction_enabled:s
  2020.1 metrics_enabled:b web_editing_enabled:b notify_site_admins_on_throttle:b obfuscation_enabled:b
  2020.2 flow_auto_save_enabled:b
  2020.3 time_zone:t public_collections_enabled:b self_service_schedule_for_refresh_enabled:b
    self_service_schedule_for_flow_enabled:b auto_suspend_refresh_enabled:b
    auto_suspend_refresh_inactivity_window
  2020.4 web_zone_content_enabled:b
  2021.1 personal_space_enabled:b personal_space_storage_quota:l
  2021.2 tag_limit einstein_in_flow_enabled:b
  2021.3 explain_data_enabled:b linked_tasks_enabled:b linked_tasks_run_now_enabled:b
    dqw_subscriptions_enabled:b flow_output_subscriptions_enabled:b
    flow_output_subscriptions_data_in_email_body_enabled:b
    flow_output_subscriptions_data_as_email_attachment_enabled:b
  2021.4 flow_parameters_enabled:b flow_parameters_any_type_enabled:b admin_insights_publish_frequency
  2022.1 backgrounder_governance_default_limit_enabled:b
  2022.2 content_migration_tool_enabled:b cmek_available:b eas_enabled:b publish_to_salesforce_enabled:b
    unrestricted_embedding_enabled:b domain_allowlist:c
  2022.3 mfa_enforcement_status:c data_change_discovery_enabled:b metrics_snapshotting_enabled:b
    metrics_snapshotting_time_zone:t collections_enabled:b data_story_enabled:b
  2023.1 workflow_extension_enabled:b attribute_capture_enabled:b data_orientation_enabled:b
    data_orientation_guest_users_enabled:b mfa_enforcement_legacy:b mfa_enforcement_exemption:b
  2023.3 allow_pat_creation:b subscriptions_and_dda_email_links_enabled:b pat_absolute_expiry
    flow_parameters_system_type_enabled:b refresh_token_absolute_expiry allow_pat_group:c
    auto_flow_run_monitoring_enabled:b auto_extract_refresh_monitoring_enabled:b is_external_write_disabled:b
    email_customization_smtps_port is_email_customization_enabled:b email_customization_smtps_url:t
    email_customization_friendly_name:t email_customization_domain:t
  2024.2 max_service_token_limit_per_user generative_ai_enabled:b group_assertions_enabled:b
    pulse_personalized_ranking_enabled:b pulse_enabled:b pulse_group_id:c generativeai_pulse:b
    generativeai_prep:b generativeai_datacatalog:b generativeai_webauthoring:b group_assertions_saml_enabled:b
    group_assertions_oidc_enabled:b group_assertions_connected_apps_enabled:b group_sets_enabled:b
  2025.1 block_non_extract_enabled:b email_customization_localname:t generativeai_pulse_external_embeddings:b
    generativeai_pulse_discover:b is_recycle_bin_enabled:b recycle_bin_content_lifespan
  2025.3 is_explore_in_tableau_enabled:b is_dashboard_narrative_enabled:b
    generativeai_webauthoring_on_prem_enabled:b dashboard_insights_enabled:b
    generativeai_pulse_discover_group_id:c generativeai_pulse_external_embeddings_group_id:c
    generativeai_prep_group_id:c generativeai_datacatalog_group_id:c generativeai_web_authoring_group_id:c
    generativeai_group_id:c dashboard_insights_group_id:c flow_federation_strategy_selected_connection_enabled:b
domains
  2019.3 id name:c short_name:c active:b family:c
users
  2019.3 id login_at:m created_at:m updated_at:m site_id system_user_id system_admin_auto:b luid:u lock_version
    site_role_id
  2025.3 user_management_version
system_users
  2019.3 id name:c email:c hashed_password:c salt:c keychain:t domain_id friendly_name:c custom_display_name:b
    admin_level created_at:m updated_at:m auth_user_id:c asset_key_id lock_version last_password_update:m
    force_password_update:b protected_password:c last_failed_login:m failed_login_attempts
    protected_password_bad_format:b
  2025.3 user_management_version
site_roles
  2019.3 id name:c licensing_rank display_name:c
groups
  2019.3 id name:c created_at:m updated_at:m system:b owner_id domain_id site_id luid:u minimum_site_role:c
    last_synchronized:m minimum_site_role_id
  2020.2 grant_license_mode:c
  2023.3 external_user_enabled:b
group_users
  2019.3 id group_id user_id
  2020.4 site_id
groupsets
  2024.2 id:l name:c luid:u site_id created_at:m
groupset_groups
  2024.2 id:l groupset_id group_id site_id
projects
  2019.3 id name:c owner_id created_at:m updated_at:m state:c description:t site_id special luid:u
    controlled_permissions_enabled:b parent_project_id admin_insights_enabled:b
  2020.1 nested_projects_permissions_included:b controlling_permissions_project_id
  2021.2 lower_name:c
workbooks
  2019.3 id name:c repository_url:t created_at:m updated_at:m owner_id project_id view_count size:l embedded:t
    thumb_user refreshable_extracts:b extracts_refreshed_at:m lock_version display_tabs:b data_engine_extracts:b
    incrementable_extracts:b site_id revision:c first_published_at:m extracts_incremented_at:m
    default_view_index luid:u asset_key_id document_version:c content_version last_published_at:m data_id:c
    reduced_data_id:c published_all_sheets:b extract_encryption_state:s extract_creation_pending:s
  2019.4 is_deleted:b parent_workbook_id is_private:b
  2020.1 modified_by_user_id
  2021.1 extract_storage_format:s
views
  2019.3 id name:c repository_url:t description:t created_at:m workbook_id index updated_at:m owner_id fields:t
    title:t caption:t sheet_id:c state:c sheettype:c site_id first_published_at:m revision:c luid:u
    thumbnail_id:c is_deleted:b
datasources
  2019.3 id name:c repository_url:t owner_id created_at:m updated_at:m project_id size:l lock_version state:c
    db_class:t db_name:t table_name:t site_id revision:c embedded:t incrementable_extracts:b
    refreshable_extracts:b data_engine_extracts:b extracts_refreshed_at:m first_published_at:m connectable:b
    is_hierarchical:b extracts_incremented_at:m luid:u document_version:c description:t content_version
    parent_workbook_id hidden_name:c last_published_at:m data_id:c reduced_data_id:c remote_query_agent_id
    using_remote_query_agent:b is_certified:b certification_note:t certifier_user_id certifier_details:t
    extract_encryption_state:s nlp_setting:t extract_creation_pending:s parent_type:t
  2019.4 nlp_setting_new:t
  2020.1 modified_by_user_id
  2020.3 separated_data_id:c separated_reduced_data_id:c tds_luid:t
  2020.4 ask_data_setting:c ask_data_indexing:c ask_data_curator_feedback:c
  2021.1 extract_storage_format:s
  2021.2 ask_data_indexing_new:c
flows
  2019.3 id name:c luid:u owner_id project_id site_id data_id:c reduced_data_id:c created_at:m updated_at:m
    description:t lock_version size:l embedded:t asset_key_id thumbnail_id:c last_published_at:m content_version
    document_version:c file_type:c graph_image_id:c encryption_key_id:c data_engine_extracts:b
    extract_encryption_state:s is_deleted:b
  2022.1 hidden:b kind:c
  2025.1 state:c
published_connections
  2020.1 id name:c luid:u owner_id project_id site_id created_at:m updated_at:m description:t
  2020.3-2020.3 active_revision_id
  2020.3 lock_version
  2020.4-2021.2 connection_attributes:t secured_values:t asset_key_id revision_luid:u
  2020.4-2020.4 revision_type:s revision_number
  2021.2-2021.2 extract_enabled:b extract_id:c extract_result_version
  2021.3 activated:b
projects_contents
  2020.3 id project_id site_id content_id content_type:c
data_connections
  2019.3 id server:t dbclass:c port username:t password:b name:c dbname:c tablename:c owner_type:c owner_id
    created_at:m updated_at:m caption:c site_id keychain:t luid:u has_extract:b datasource_id db_subclass:c
    authentication:c
  2020.3 using_remote_query_agent:b
  2020.4 query_tagging_enabled:b
  2022.2 credential_luid:u
  2023.3 cloud_file_request_url:t
  2025.1 state:c
capabilities
  2019.3 id name:c display_name:c display_order
next_gen_permissions
  2019.3 id authorizable_type:c authorizable_id grantee_id grantee_type:c capability_id permission
  2020.4 site_id
permissions_templates
  2019.3 id template_type:c grantee_id grantee_type:c capability_id permission container_type:t container_id
  2019.3-2019.4 project_id
  2020.4 site_id
archived_content_metadata
  2025.3 id:l content_id content_type:c path:c deleter_user_id site_id
asset_lists
  2019.3 id name:c owner_id site_id
  2020.3 description:c visibility:c list_type:c created_timestamp:m updated_at:m luid:u
  2020.4 sync_token:c site_luid:u
database_assets
  2019.3 id connection_type:c name:c port luid:u site_id created_at:m updated_at:m description:t
    controlled_permissions_enabled:b contact_id contact_type:c type:c file_path:t is_embedded:b connector_url:t
    host_name:t provider:c file_extension:c mime_type:c file_id:c request_url:t is_certified:b
    certification_note:t certifier_user_id certifier_details:t source_type:c source_id internal_identifier:t
    extended_connection_type:c service:c
  2020.1 duplicate_id
  2020.2 is_tombstoned:b grouped_parent_id is_grouped_parent:b
  2021.2 source_disconnected_at:d
  2021.4 tombstoned_reason:c
  2023.1 hash_version:s hash_value:u
table_assets
  2019.3 id name:c luid:u site_id created_at:m updated_at:m description:t database_id table_schema:t contact_id
    contact_type:c is_certified:b certification_note:t certifier_user_id certifier_details:t full_name:c
  2020.1 duplicate_id
  2020.2 is_tombstoned:b grouped_parent_id
  2023.3 type:c
data_roles
  2019.3 id name:t owner_id project_id site_id created_at:m updated_at:m description:t luid:u
metrics
  2019.3 id name:c luid:u owner_id project_id site_id created_at:m description:t embedded:t asset_key_id
    updated_at:m datasource_id dataalert_id
  2019.4 workbook_id view_id last_scheduled_at:m last_refreshed_at:m incomplete_refresh_attempts
    customized_view_id
  2020.1 suspend_state
  2020.2 connected_view_path:c connected_view_name:c
lenses
  2020.3 id:l luid:u site_id owner_id created_at:z updated_at:z index_version_number:t
  2021.1 name:t description:t project_id repository_url:t
  2021.2 error_code:t outdated:b last_indexed_time:z is_default_lens:b
  2021.3 is_feedback_enabled:b
  2022.2 site_luid:t
views_stats
  2019.3 id user_id view_id nviews time:m site_id device_type:t
historical_events
  2019.3 id:l historical_event_type_id worker:t is_failure:b details:t created_at:m hist_actor_user_id
    hist_target_user_id hist_actor_site_id hist_target_site_id hist_project_id hist_workbook_id hist_view_id
    hist_datasource_id hist_comment_id hist_tag_id hist_group_id hist_licensing_role_id hist_schedule_id
    hist_task_id hist_data_connection_id hist_config_id hist_capability_id hist_remote_agent_id hist_flow_id
    hist_data_role_id hist_database_id hist_table_id hist_column_id
  2020.1 hist_metric_id
  2020.4 hist_published_connection_id hist_collection_id hist_flow_draft_id hist_data_quality_indicator_id
historical_event_types
  2019.3 type_id name:t action_type:t
hist_users
  2019.3 id user_id name:t domain_name:t email:t system_user_id system_admin_level hist_licensing_role_id
    site_admin_level publisher_tristate site_role_id
hist_projects
  2019.3 id project_id name:t
hist_workbooks
  2019.3 id workbook_id name:t repository_url:t size:l revision:t
hist_views
  2019.3 id view_id name:t repository_url:t revision:t
subscriptions
  2019.3 id subject:c user_id schedule_id last_sent:m site_id luid:u creator_id data_condition_type:c
    is_refresh_extract_triggered:b created_at:m subscription_message_id content_has_user_references:b
    attach_pdf:b attach_image:b
  2019.4 target_type:c target_id
data_alerts
  2019.3 id title:c creator_id site_id workbook_id view_id customized_view_id luid:u data_specification:c
    last_checked:m notification_interval_in_minutes created_at:m updated_at:m last_edited:m suspend_state
    failure_count device_type public:b
data_alerts_recipients
  2019.3 id recipient_id data_alert_id recipient_type:c last_sent:m last_state:b created_at:m updated_at:m
  2020.4 site_id
customized_views
  2019.3 id name:c description:t view_id created_at:m updated_at:m creator_id public:b size site_id
    repository_thumbnail_data_id:l url_id:c start_view_id luid:u data_id:c thumbnail_id:c hidden:b
    created_by_feature
  2020.2 accessed_at:m
  2020.4 modified_at:m
tasks
  2019.3 id schedule_id type:c priority obj_id created_at:m updated_at:m site_id obj_type:c luid:u
    consecutive_failure_count active:b args:t title:t subtitle:t historical_run_time historical_queue_time
    run_count
  2019.4 state last_success_completed_at:m creator_id
refresh_tokens
  2019.3 id guid:u client_id:c client_name:c system_user_id expires_at:m last_used_at:m issued_at:m salt:c
    hashed_secret:c session_id:c refresh_token_device_id next_hashed_secret:c next_salt:c
  2024.2 ancestor_pat_guid:u
  2025.3 auth_attributes:t
hist_datasources
  2019.3 id datasource_id name:t
permission_roles
  2026.3 id
site_permission_roles
  2026.3 id
role_grantees
  2026.3 id
resource_type_permissions
  2026.3 id
"""
"""A table, then the columns it has since a release, or from one to another; a letter tells the type (`_TYPES`).

[B]: `hist_datasources`, which `historical_events` refers to and which is described as the other `hist_` tables are; of
the last four only the names are told.
"""
SECRETS = frozenset(
    "hashed_password salt keychain protected_password embedded secured_values connection_attributes hashed_secret "
    "next_hashed_secret next_salt auth_attributes certifier_details guid".split()
)
"""Columns that nobody may ask for: passwords, keychains, secrets of tokens."""
SITE_ROLE_IDS: Mapping[str, str] = {
    "0": "SiteAdministratorExplorer",
    "1": "SupportUser",
    "2": "ExplorerCanPublish",
    "3": "Explorer",
    "4": "ViewerWithPublish",
    "5": "ReadOnly",
    "6": "UnlicensedWithPublish",
    "7": "Guest",
    "8": "Unlicensed",
    "9": "Viewer",
    "10": "Creator",
    "11": "SiteAdministratorCreator",
}
"""`site_role_id` of users and groups [V]: numbers above 9 are told by public queries alone."""
LATER_LAYER = ("role_grantees", "permission_roles", "site_permission_roles", "resource_type_permissions")
"""The roles of 2026.3 beside the rules; how they name people is told nowhere."""


class Column(NamedTuple):
    """A column: its type as PostgreSQL writes it, the first and the last release that has it."""

    type: str
    first: str
    last: str = NEWEST

    def is_in(self, release: str) -> bool:
        """Whether a release has it."""
        return self.first <= release <= self.last


@cache
def tables() -> Mapping[str, Mapping[str, Column]]:
    """Every table with its columns, in any release."""
    columns: dict[str, dict[str, Column]] = {}
    table: dict[str, Column] = {}
    first, last = "", ""
    for line in _TABLES.strip().splitlines():
        if not line.startswith(" "):
            table = columns[line] = {}
            continue
        for word in line.split():
            name, _, letter = word.partition(":")
            if name[0].isdigit():
                first, _, last = name.partition("-")
            else:
                table[name] = Column(_TYPES[letter], first, last or NEWEST)
    return columns


@cache
def schema(release: str) -> Mapping[str, Mapping[str, str]]:
    """The tables of a release with the type of each column."""
    there = {t: {name: c.type for name, c in columns.items() if c.is_in(release)} for t, columns in tables().items()}
    return {table: columns for table, columns in there.items() if columns}
