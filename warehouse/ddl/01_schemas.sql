create schema if not exists raw_files;
create schema if not exists staging;
create schema if not exists intermediate;
create schema if not exists marts;
create schema if not exists ml;
create schema if not exists reporting;
create schema if not exists quarantine;
