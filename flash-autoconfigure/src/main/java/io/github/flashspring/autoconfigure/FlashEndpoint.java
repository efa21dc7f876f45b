package io.github.flashspring.autoconfigure;

import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Future;

import org.jspecify.annotations.Nullable;

import org.springframework.boot.actuate.endpoint.InvalidEndpointRequestException;
import org.springframework.boot.actuate.endpoint.OperationResponseBody;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.actuate.endpoint.annotation.Selector;
import org.springframework.boot.actuate.endpoint.annotation.WriteOperation;

import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.FlashEngineException;
import io.github.flashspring.engine.ModelInfo;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.memory.BudgetExceededException;
import io.github.flashspring.engine.residency.PlanReport;
import io.github.flashspring.engine.memory.RamBudget;

/**
 * {@link Endpoint} that shows what engines run, which weights are resident, and every
 * byte that was read; that changes the memory they may use, and loads their models again.
 */
@Endpoint(id = FlashEndpoint.ID)
public class FlashEndpoint {

	static final String ID = "flash";

	static final String HELP = "Give 'ramBudgetGb': gigabytes such as 1.5, a size such as \"800MB\", \"min\", or \"unlimited\"; or 'reload': true, to load a model again that has failed.";

	private final Map<String, FlashEngine> engines;

	/**
	 * Creates an endpoint.
	 * @param engines at least one engine, by bean name
	 */
	FlashEndpoint(Map<String, FlashEngine> engines) {
		this.engines = Map.copyOf(engines);
	}

	/**
	 * Shows the engines.
	 * @return what the only engine is and does at this moment, or each of several by bean
	 * name
	 */
	@ReadOperation
	public OperationResponseBody flash() {
		if (this.engines.size() == 1) {
			return describe(this.engines.values().iterator().next());
		}
		Map<String, FlashDescriptor> descriptors = new TreeMap<>();
		this.engines.forEach((name, engine) -> descriptors.put(name, describe(engine)));
		return new FlashDescriptors(descriptors);
	}

	/**
	 * Shows an engine.
	 * @param engine its bean name
	 * @return what it is and does at this moment, or null if there is no such engine
	 */
	@ReadOperation
	public @Nullable FlashDescriptor engine(@Selector String engine) {
		FlashEngine found = this.engines.get(engine);
		return (found != null) ? describe(found) : null;
	}

	/**
	 * Changes the only engine.
	 * @param ramBudgetGb memory that it may use: gigabytes of 1024³ bytes, a size with
	 * its unit, {@code min} or {@code unlimited}; requests go on
	 * @param reload true, instead, to load the model again if the engine has failed,
	 * after checking that its files still hold the same model: what runs is ended
	 * @return what the engine is from now on
	 */
	@WriteOperation
	public FlashDescriptor change(@Nullable Object ramBudgetGb, @Nullable Boolean reload) {
		if (this.engines.size() > 1) {
			throw refused("there are %d engines. Name one in the path: %s".formatted(this.engines.size(), names()));
		}
		return change(this.engines.values().iterator().next(), ramBudgetGb, reload);
	}

	/**
	 * Changes an engine.
	 * @param engine its bean name
	 * @param ramBudgetGb as for {@link #change}
	 * @param reload as for {@link #change}
	 * @return what the engine is from now on
	 */
	@WriteOperation
	public FlashDescriptor changeEngine(@Selector String engine, @Nullable Object ramBudgetGb,
			@Nullable Boolean reload) {
		FlashEngine found = this.engines.get(engine);
		if (found == null) {
			throw refused("there is no engine '%s', but %s".formatted(engine, names()));
		}
		return change(found, ramBudgetGb, reload);
	}

	private static FlashDescriptor change(FlashEngine engine, @Nullable Object ramBudgetGb, @Nullable Boolean reload) {
		if (!Boolean.TRUE.equals(reload)) {
			return ramBudget(engine, ramBudgetGb);
		}
		if (ramBudgetGb != null) {
			throw refused("give it without 'reload'");
		}
		try {
			engine.reload();
		}
		catch (CheckpointException | FlashEngineException | UnsupportedOperationException ex) {
			String reason = "Cannot load the model again: " + ex.getMessage();
			throw new InvalidEndpointRequestException(reason, reason);
		}
		return describe(engine);
	}

	private static FlashDescriptor ramBudget(FlashEngine engine, @Nullable Object ramBudgetGb) {
		if (engine instanceof BackgroundFlashEngine background && background.state() != Future.State.SUCCESS) {
			throw refused("the model is not loaded");
		}
		try {
			engine.ramBudget(switch (ramBudgetGb) {
				case Number gigabytes -> RamBudget.ofGigabytes(gigabytes.doubleValue());
				case String text -> RamBudget.parse(text);
				case null -> throw refused("none is given. " + HELP);
				default -> throw refused("found " + ramBudgetGb + ". " + HELP);
			});
		}
		catch (IllegalArgumentException | BudgetExceededException | UnsupportedOperationException ex) {
			throw refused(String.valueOf(ex.getMessage()));
		}
		return describe(engine);
	}

	private String names() {
		return String.join(", ", new TreeSet<>(this.engines.keySet()));
	}

	private static InvalidEndpointRequestException refused(String why) {
		String reason = "Cannot change the budget: " + why;
		return new InvalidEndpointRequestException(reason, reason);
	}

	private static FlashDescriptor describe(FlashEngine engine) {
		if (engine instanceof BackgroundFlashEngine background && background.state() != Future.State.SUCCESS) {
			return (background.state() == Future.State.RUNNING) ? FlashDescriptor.of(State.LOADING, null)
					: FlashDescriptor.of(State.FAILED, background.failure().getMessage());
		}
		FlashEngine.Failure failure = engine.lastFailure();
		return new FlashDescriptor((failure != null && failure.needsReload()) ? State.FAILED : State.READY,
				(failure != null) ? failure.cause().getMessage() : null, engine.model(), plan(engine),
				engine.snapshot());
	}

	private static @Nullable PlanReport plan(FlashEngine engine) {
		try {
			return PlanReport.of(engine.plan());
		}
		catch (UnsupportedOperationException ex) {
			return null; // an engine of the application's own
		}
	}

	/**
	 * What several engines are and do.
	 *
	 * @param engines each of them, by bean name
	 */
	public record FlashDescriptors(Map<String, FlashDescriptor> engines) implements OperationResponseBody {

	}

	/**
	 * What an engine is and does.
	 *
	 * @param state whether requests are served
	 * @param error why loading or the latest pass failed, or null
	 * @param model what was loaded, or null
	 * @param plan how the memory is divided, or null
	 * @param now what is held and was done until now, or null
	 */
	public record FlashDescriptor(State state, @Nullable String error, @Nullable ModelInfo model,
			@Nullable PlanReport plan, @Nullable EngineSnapshot now) implements OperationResponseBody {

		static FlashDescriptor of(State state, @Nullable String error) {
			return new FlashDescriptor(state, error, null, null, null);
		}

	}

	/** How loading stands. */
	public enum State {

		/** The model is being loaded; requests wait. */
		LOADING,
		/** Requests are served. */
		READY,
		/** Loading failed, or files have changed since: so will requests. */
		FAILED

	}

}
