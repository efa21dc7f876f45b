package io.github.flashspring.cli;

import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.Generation;
import io.github.flashspring.engine.GenerationEvent;
import io.github.flashspring.engine.GenerationRequest;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.memory.RamBudget;

/**
 * A program for {@link BoundedMemoryTests}: generates tokens in a budget, or takes memory
 * until it is stopped.
 */
final class BoundedEngine {

	static final int[] PROMPT = { 1, 17, 400, 33, 1029 };

	private BoundedEngine() {
	}

	/**
	 * Runs.
	 * @param arguments {@code hoard BYTES}, or {@code generate MODEL BUDGET TOKENS FILE}
	 */
	public static void main(String[] arguments) throws Exception {
		if (arguments[0].equals("hoard")) {
			hoard(Long.parseLong(arguments[1]));
			return;
		}
		FlashConfig config = config(arguments[1], RamBudget.ofBytes(Long.parseLong(arguments[2])));
		int[] tokens = generate(config, Integer.parseInt(arguments[3]));
		Files.writeString(Path.of(arguments[4]), Arrays.toString(tokens));
	}

	static FlashConfig config(String model, RamBudget budget) {
		return FlashConfig.builder(model).ramBudget(budget).contextLength(256).parallel(1).build();
	}

	static int[] generate(FlashConfig config, int count) {
		try (FlashEngine engine = FlashEngine.load(config);
				Generation generation = engine.generate(new GenerationRequest(new GenerationRequest.Tokens(PROMPT),
						Sampling.GREEDY, count, List.of(), true))) {
			for (GenerationEvent event = generation.next(); event != null; event = generation.next()) {
				if (event instanceof GenerationEvent.Finished finished) {
					System.out.println(engine.snapshot());
					return finished.tokens();
				}
			}
			throw new IllegalStateException("The generation ended without an end.");
		}
	}

	/** Takes memory as an engine would that does not keep its budget. */
	private static void hoard(long bytes) {
		Arena arena = Arena.global();
		for (long taken = 0; taken < bytes; taken += 1 << 20) {
			arena.allocate(1 << 20, 64).fill((byte) 1);
		}
		System.out.println("nobody stopped me");
	}

}
