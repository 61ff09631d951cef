"""What fitted recognisers look at: attributions by gradients, and losses by occlusion."""
