"""Many submissions at once: `python -m autograders grade`, `regrade` and `stats`.

Read in this order: `room.py` (what was handed in, and what is to be judged of it), `lanes.py` (who is judged next),
`crew.py` (judging on a Dask cluster), `gradebook.py` and `writer.py` (the one process that writes), `grade.py` (the
command that puts them together), then `regrade.py` and `stats.py` (with `alike.py` and `page.py`).
"""
