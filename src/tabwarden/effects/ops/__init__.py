"""Every change there is, one class an op."""

from tabwarden.effects.ops import content, groups, memberships, rules, settings, users

__all__ = ["content", "groups", "memberships", "rules", "settings", "users"]
