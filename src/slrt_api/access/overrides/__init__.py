"""Access overrides: what was seen or shared past a rule, by whom, why, and for how long."""
