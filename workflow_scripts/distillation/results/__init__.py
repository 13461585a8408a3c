"""Use of finished results: trained networks, frames of many runs, differences between two trees."""
