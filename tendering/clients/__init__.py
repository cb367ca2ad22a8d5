"""The programs bidders seal with in a browser: assembled from the tree, hashed, and the hashes made public.

``modules.py`` joins the modules into one script, ``offline_page.py`` makes the single file that works without a
network, ``releases.py`` says what is served now and writes it into the public log.
"""
