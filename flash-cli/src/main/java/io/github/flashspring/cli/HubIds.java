package io.github.flashspring.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

import io.github.flashspring.engine.checkpoint.HubId;

/** Names of models on a hub, as they are typed. */
final class HubIds {

	private HubIds() {
	}

	/**
	 * Reads a name.
	 * @param spec the command, for the error
	 * @param model such as {@code org/name}
	 * @param revision goes over the revision in the name, or null
	 * @return the name
	 * @throws ParameterException if it is none
	 */
	static HubId of(CommandSpec spec, String model, @Nullable String revision) {
		HubId id = HubId.parse(model)
			.orElseThrow(() -> new ParameterException(spec.commandLine(),
					"'" + model + "' is no model of a hub. Expected org/name, org/name@revision or hf://org/name."));
		if (revision == null) {
			return id;
		}
		return id.at(revision)
			.orElseThrow(() -> new ParameterException(spec.commandLine(),
					"'" + revision + "' is no revision. Expected a branch, a tag or a commit."));
	}

}
