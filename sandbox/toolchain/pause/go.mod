module datapipe/sandbox/pause

go 1.26
