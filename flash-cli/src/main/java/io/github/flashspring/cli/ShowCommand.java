package io.github.flashspring.cli;

import java.io.PrintWriter;
import java.util.Map;
import java.util.concurrent.Callable;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

import io.github.flashspring.engine.ModelfileSettings;
import io.github.flashspring.engine.modelfile.Modelfile;

/**
 * {@code flash show}: what stands around a model's weights: architecture, parameters,
 * precision, context, licence, what its chat template can carry, and its tokens. Reads no
 * weights.
 */
@Command(name = "show", mixinStandardHelpOptions = true, sortOptions = false,
		customSynopsis = "flash show MODEL [--json | --modelfile]",
		description = "Show a model's architecture, parameters, precision, context, licence, what its chat template can"
				+ " carry (tools, thinking), and its tokens.",
		footer = { "", "Examples:", "  flash show Qwen/Qwen3-4B", "  flash show --modelfile pirate > Modelfile" })
@SuppressWarnings("NullAway.Init") // picocli sets @Spec
final class ShowCommand implements Callable<Integer> {

	@Spec
	private CommandSpec spec;

	@Parameters(paramLabel = "MODEL", arity = "0..1",
			description = "Folder with a checkpoint, id of a model in the local Hugging Face cache, or name of a"
					+ " created model.")
	private @Nullable String word;

	@Option(names = { "-m", "--model" }, paramLabel = "MODEL", description = "The same.")
	private @Nullable String model;

	@Option(names = "--json", description = "Print JSON.")
	private boolean json;

	@Option(names = "--modelfile", description = "Print the Modelfile, from which flash create makes the same model.")
	private boolean modelfile;

	@Override
	public Integer call() {
		ModelfileSettings settings = ModelfileSettings.of(file(), null);
		PrintWriter out = this.spec.commandLine().getOut();
		if (this.modelfile) {
			out.print(settings.file().text());
		}
		else {
			Map<String, Object> sections = ModelFacts.of(settings);
			out.print(this.json ? JsonMapper.shared().writeValueAsString(sections) + System.lineSeparator()
					: ModelFacts.readable(sections));
		}
		out.flush();
		return 0;
	}

	private Modelfile file() {
		String named = (this.model != null) ? this.model : this.word;
		if (named == null || this.model != null && this.word != null) {
			throw new ParameterException(this.spec.commandLine(), (named == null)
					? "A model is missing. Name a folder, a hub id or a created model." : "Name one model, not two.");
		}
		return ModelStore.isFolder(named) ? ModelStore.of(named)
				: ModelStore.ofSystem().find(named).orElseGet(() -> ModelStore.of(named));
	}

}
