"""Amounts of money in templates."""

from django import template

from accounts import money

register = template.Library()
register.filter("dollars", money.dollars)
register.filter("short_dollars", money.short_dollars)
