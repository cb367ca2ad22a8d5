"""Papers the centre writes (typst, PDF/A-2u) and hostile PDFs it reads (in a limited child process)."""
