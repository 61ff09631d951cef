"""From recordings to feature maps: extracting, caching, standardising."""
