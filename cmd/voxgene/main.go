// Command voxgene takes scans, masks, gene and clinical tables to features, models, explanations and served predictions.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/voxgene/voxgene/features/settings"
	"github.com/voxgene/voxgene/models/neural"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run executes one command line. It returns 0 when the work is done, 1 when it failed, 2 when the command line or its input is wrong.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "voxgene:", err)
	var wrong inputError
	var problem settings.Problem
	if (errors.As(err, &wrong) || errors.As(err, &problem)) && !neural.BackendFailed(err) {
		return 2
	}
	return 1
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "voxgene",
		Short:         "Imaging genomics of cancer: from scans and genes to explained predictions",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return c.Help()
		},
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return badInput(fmt.Errorf("%w\nsee voxgene %s --help", err, c.Name()))
	})
	root.AddCommand(
		adviseCommand(),
		stoppable(onBackend(camCommand())),
		compareCommand(),
		stoppable(onBackend(evaluateCommand())),
		stoppable(associateCommand()),
		auditCommand(),
		stoppable(onBackend(explainCommand())),
		extractCommand(),
		ibsiCommand(),
		importCommand(),
		inspectCommand(),
		lintCommand(),
		phantomCommand(),
		deidentifyCommand(),
		stoppable(onBackend(predictCommand())),
		resultsCommand(),
		onBackend(serveCommand()),
		signCommand(),
		trainCommand(),
		versionCommand(),
	)
	markArguments(root)
	return root
}

// markArguments makes wrong arguments of a command, and of those below it, faults of the input, with what was probably meant.
func markArguments(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			err := check(c, args)
			if err == nil {
				return nil
			}
			if c.SuggestionsMinimumDistance = 2; c.HasSubCommands() && len(args) > 0 {
				if near := c.SuggestionsFor(args[0]); len(near) > 0 {
					err = fmt.Errorf("%w; did you mean %q?", err, near[0])
				}
			}
			return badInput(fmt.Errorf("%w\nsee %s --help", err, c.CommandPath()))
		}
	}
	for _, below := range c.Commands() {
		markArguments(below)
	}
}

// inputError marks what the user has to repair: the command line, a configuration, a table. It ends in exit code 2.
type inputError struct{ error }

func (e inputError) Unwrap() error { return e.error }

// badInput marks err as a fault of the input; nil stays nil.
func badInput(err error) error {
	if err == nil {
		return nil
	}
	return inputError{err}
}

// exactly asks for n arguments and says what they are when others are given.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return fmt.Errorf("%s wants %s", c.Name(), what)
		}
		return nil
	}
}
