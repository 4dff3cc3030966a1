package main

import (
	"fmt"
	"os"
	"strings"
)

func requireEnv(_ *process, name string) error {
	if _, set := os.LookupEnv(name); !set {
		return fmt.Errorf("missing required environment variable %s", name)
	}
	return nil
}

func expectEnv(_ *process, value string) error {
	name, wanted, valued := strings.Cut(value, ":")
	if !valued {
		return misused{"use expect-env=NAME:VALUE"}
	}
	if got := os.Getenv(name); got != wanted {
		return fmt.Errorf("bad configuration: %s is %q, expected %q", name, got, wanted)
	}
	return nil
}

func requireFile(_ *process, path string) error {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("missing required file: %w", err)
	}
	return nil
}

// expectFile ends the program unless the file holds the text somewhere.
func expectFile(_ *process, value string) error {
	path, wanted, valued := strings.Cut(value, ":")
	if !valued {
		return misused{"use expect-file=PATH:TEXT"}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("bad configuration: %w", err)
	}
	if !strings.Contains(string(content), wanted) {
		return fmt.Errorf("bad configuration: %s does not hold %q", path, wanted)
	}
	return nil
}
