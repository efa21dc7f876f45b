package io.github.flashspring.cli;

import java.util.List;
import java.util.concurrent.Callable;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import io.github.flashspring.engine.checkpoint.HubId;
import io.github.flashspring.engine.hub.HubSettings;
import io.github.flashspring.engine.hub.ModelCache;
import io.github.flashspring.engine.metrics.ByteSize;

/**
 * {@code flash rm}: removes models from the cache that the Hugging Face tools share.
 */
@Command(name = "rm", mixinStandardHelpOptions = true, sortOptions = false,
		customSynopsis = "flash rm MODEL... [--revision NAME]", description = "Remove downloaded models.",
		footer = { "",
				"Without a revision, all revisions go, and what interrupted downloads left. With one, files that"
						+ " another revision shares stay.",
				"", "Examples:", "  flash rm mlx-community/Qwen3-4B-4bit", "  flash rm Qwen/Qwen3-4B@refs/pr/1" })
@SuppressWarnings("NullAway.Init") // picocli sets @Spec and parameters
final class RemoveCommand implements Callable<Integer> {

	private final Terminal terminal;

	@Spec
	private CommandSpec spec;

	@Parameters(paramLabel = "MODEL", arity = "1..*", description = "org/name or org/name@revision.")
	private List<String> models;

	@Option(names = "--revision", paramLabel = "NAME", description = "Only this branch, tag or commit.")
	private @Nullable String revision;

	RemoveCommand(Terminal terminal) {
		this.terminal = terminal;
	}

	@Override
	public Integer call() {
		ModelCache cache = new ModelCache(HubSettings.ofSystem());
		for (String model : this.models) {
			HubId id = HubIds.of(this.spec, model, this.revision);
			boolean all = this.revision == null && !model.contains("@");
			ModelCache.Removal removal = cache.remove(id, all);
			this.terminal.note("Removed " + (all ? id.repository() : id.repository() + "@" + id.revision()) + ": "
					+ ByteSize.readable(removal.freedBytes()) + " are free again.");
		}
		return 0;
	}

}
