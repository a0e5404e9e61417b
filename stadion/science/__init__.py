"""Pure sport science: functions of arrays, each with its reference."""
