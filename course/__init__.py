"""The course: chapters as text, their labs, and what turns them into a learner's notebooks."""
