"""What each segment hears and when, and who rides on which train: kept, judged, held. Nothing about features' days."""
