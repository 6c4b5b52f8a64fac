//! docs/migration.md
