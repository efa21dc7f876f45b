package io.github.flashspring.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import io.github.flashspring.engine.ModelfileSettings;
import io.github.flashspring.engine.checkpoint.ModelLocator;
import io.github.flashspring.engine.modelfile.Modelfile;

/**
 * {@code flash create}: gives a Modelfile a name under which its model can be run.
 */
@Command(name = "create", mixinStandardHelpOptions = true, sortOptions = false,
		customSynopsis = "flash create NAME [-f FILE]",
		description = "Create a model from a Modelfile, to be run by its name. Weights stay where they are.",
		footer = { "", "Example:", "  flash create pirate -f Modelfile && flash run pirate" })
@SuppressWarnings("NullAway.Init") // picocli sets @Spec and required parameters
final class CreateCommand implements Callable<Integer> {

	private final Terminal terminal;

	@Spec
	private CommandSpec spec;

	@Parameters(paramLabel = "NAME", description = "Name of the model; one of the same name is replaced.")
	private String name;

	@Option(names = { "-f", "--file" }, paramLabel = "FILE", defaultValue = ModelStore.FILE,
			description = "The Modelfile. Default: ${DEFAULT-VALUE} in this folder.")
	private Path file;

	CreateCommand(Terminal terminal) {
		this.terminal = terminal;
	}

	@Override
	public Integer call() throws IOException {
		ModelStore store = ModelStore.ofSystem();
		ModelfileSettings settings = store.settings(Modelfile.read(this.file), this.file.toAbsolutePath().getParent());
		if (settings.model().matches("[./~].*")) {
			// a path must lead to a model; a hub id may be downloaded later
			Path ignored = ModelLocator.ofSystem().locate(settings.model());
		}
		settings.notes().forEach(this.terminal::note);
		try {
			store.save(this.name, settings.file());
		}
		catch (IllegalArgumentException ex) {
			throw new ParameterException(this.spec.commandLine(), String.valueOf(ex.getMessage()), ex);
		}
		this.terminal
			.note("Created " + this.name + " from " + settings.model() + ". Run it with: flash run " + this.name);
		return 0;
	}

}
