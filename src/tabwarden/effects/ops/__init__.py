"""Every change there is, one class an op."""

from tabwarden.effects.ops import content, groups, memberships, projects, refreshes, rules, settings, several, users

__all__ = ["content", "groups", "memberships", "projects", "refreshes", "rules", "settings", "several", "users"]
