from __future__ import annotations

from accounts import people_views, verification_views, views
from accounts.notices import views as notice_views

BLUEPRINTS = (views.bp, verification_views.bp, people_views.bp, notice_views.bp)
