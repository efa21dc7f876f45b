package io.github.flashspring.cli;

import java.io.IOException;
import java.util.concurrent.Callable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import io.github.flashspring.cli.ModelOptions.ModelChoice;
import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.FlashEngineException;
import io.github.flashspring.engine.ModelfileSettings;

/**
 * {@code flash chat}: holds a conversation.
 */
@Command(name = "chat", mixinStandardHelpOptions = true, sortOptions = false,
		customSynopsis = "flash chat MODEL [--ram GB] [--modelfile FILE] [OPTION]...",
		description = "Hold a conversation. /? in it lists what can be set, shown and saved.",
		footer = { "Example:", "  flash chat Qwen/Qwen3-4B --ram 4 --system 'Be brief.'" })
@SuppressWarnings("NullAway.Init") // picocli sets @Spec
final class ChatCommand implements Callable<Integer> {

	private final Terminal terminal;

	private final EngineLoader loader;

	@Spec
	private CommandSpec spec;

	@Mixin
	private final ModelOptions modelOptions = new ModelOptions();

	@Mixin
	private final GenerationOptions generation = new GenerationOptions();

	ChatCommand(Terminal terminal, EngineLoader loader) {
		this.terminal = terminal;
		this.loader = loader;
	}

	@Override
	public Integer call() throws IOException {
		ModelChoice choice = this.modelOptions.choice();
		if (!choice.words().isEmpty()) {
			throw new ParameterException(this.spec.commandLine(), "Unmatched argument: '" + choice.words().getFirst()
					+ "'. A conversation takes no prompt; flash run does.");
		}
		if (this.generation.readsInput()) {
			throw new ParameterException(this.spec.commandLine(),
					"Standard input cannot hold both the conversation and a schema or grammar.");
		}
		this.generation.check();
		FlashConfig config = config(choice);
		ModelfileSettings settings = this.generation.over(choice.settings());
		this.generation.readStructure(this.terminal);
		settings.notes().forEach(this.terminal::note);
		FlashEngine engine = Spinner.whileLoading(this.terminal, config, this.loader);
		if (!engine.model().chat()) {
			engine.close();
			throw new FlashEngineException(config.model() + " has no chat template, so it cannot hold a conversation."
					+ " Let it continue a text: flash run " + config.model() + " --prompt TEXT");
		}
		return new ChatSession(this.terminal, this.loader, this.modelOptions, this.generation, engine, config)
			.run(settings);
	}

	private FlashConfig config(ModelChoice choice) {
		try {
			return this.modelOptions.config(choice.settings(), choice.name()).build();
		}
		catch (IllegalArgumentException exception) {
			throw new ParameterException(this.spec.commandLine(), String.valueOf(exception.getMessage()), exception);
		}
	}

}
