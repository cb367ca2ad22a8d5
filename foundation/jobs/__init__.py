"""Background work: the job table is the truth; a dispatcher claims rows and hands their ids to Celery."""
