//! What users see of a finished campaign, whole.

mod busy;
mod comparison;
mod console;
mod consumers;
mod controls;
mod evidence;
mod github;
mod html;
mod html_figures;
mod html_use;
mod junit;
mod list;
mod output;
mod running;
mod sample;
mod summary;
mod times;
