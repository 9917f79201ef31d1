//! The policy as it is shipped: the module in the engine of policy servers, on fixtures, examples and hostile input;
//! and the documents and views that must agree with it.

mod benchmark;
mod bounds;
mod bypass;
mod docs;
mod documents;
mod examples;
mod fixes;
mod fixture;
mod generated;
mod guest;
mod hostile;
mod instructions;
mod kinds;
mod module;
mod oracle;
mod properties;
mod readme;
mod registry;
mod requests;
mod rules;
mod settings;
