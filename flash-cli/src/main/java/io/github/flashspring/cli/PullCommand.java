package io.github.flashspring.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import io.github.flashspring.engine.checkpoint.HubId;
import io.github.flashspring.engine.hub.Hub;
import io.github.flashspring.engine.hub.HubSettings;

/**
 * {@code flash pull}: downloads a model into the cache that the Hugging Face tools share.
 */
@Command(name = "pull", mixinStandardHelpOptions = true, sortOptions = false,
		customSynopsis = "flash pull MODEL [--revision NAME] [--quiet]",
		description = "Download a model from the Hugging Face hub, or what is missing of it.",
		footer = { "",
				"Only configs, the tokenizer and safetensors are fetched, each checked against its hash. A"
						+ " download that was interrupted goes on where it was.",
				"",
				"HF_TOKEN holds the access token for gated and private models, HF_ENDPOINT names a mirror, HF_HOME or"
						+ " HF_HUB_CACHE the folder for models, HTTPS_PROXY and NO_PROXY the way there.",
				"", "Examples:", "  flash pull mlx-community/Qwen3-4B-4bit", "  flash pull Qwen/Qwen3-4B@refs/pr/1" })
@SuppressWarnings("NullAway.Init") // picocli sets @Spec and parameters
final class PullCommand implements Callable<Integer> {

	private final Terminal terminal;

	@Spec
	private CommandSpec spec;

	@Parameters(paramLabel = "MODEL", description = "org/name, org/name@revision or hf://org/name.")
	private String model;

	@Option(names = "--revision", paramLabel = "NAME", description = "Branch, tag or commit. Default: main.")
	private @Nullable String revision;

	@Option(names = { "-q", "--quiet" }, description = "Show no progress.")
	private boolean quiet;

	PullCommand(Terminal terminal) {
		this.terminal = terminal;
	}

	@Override
	public Integer call() {
		HubId id = HubIds.of(this.spec, this.model, this.revision);
		DownloadLines lines = new DownloadLines(this.terminal, this.quiet);
		HubSettings settings = HubSettings.ofSystem();
		lines.begin("asking " + settings.endpoint().getHost() + " about " + id + " …");
		try (Hub hub = new Hub(settings)) {
			Path folder = hub.pull(id, lines);
			lines.finish(folder, "Run it with: flash run --model " + id);
		}
		finally {
			lines.clear();
		}
		return 0;
	}

}
