//! Tests of the policy as it is released: the module in the engine of policy servers, on cases, examples and hostile
//! input, and the documents that must agree with the module.

mod benchmark;
mod bounds;
mod bypass;
mod cases;
mod cluster;
mod controllers;
mod doc_examples;
mod documents;
mod engines;
mod examples;
mod fixes;
mod fuzz_seeds;
mod generators;
mod guest;
mod hostile;
mod instructions;
mod layers;
mod logging;
mod markdown;
mod module;
mod operations;
mod pod_views;
mod properties;
mod rancher_form;
mod readme;
mod reference;
mod registrations;
mod registry;
mod release;
mod rules;
mod schema;
mod settings;
mod warning;
mod workflows;
mod workload_kinds;
