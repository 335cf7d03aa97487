"""Stories that cross domains, one file each, and their runner."""

from . import deviation, failed_sweep, foreign_tenant, set_back
from .story import Story

STORIES: tuple[Story, ...] = (deviation.STORY, failed_sweep.STORY, foreign_tenant.STORY, set_back.STORY)
