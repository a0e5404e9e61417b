"""The words every room speaks: types, units, errors, settings and the plug-in finder."""
