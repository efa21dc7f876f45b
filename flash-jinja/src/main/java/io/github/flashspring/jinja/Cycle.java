package io.github.flashspring.jinja;

import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * What {@code cycler()} makes: values that come round again and again.
 */
final class Cycle {

	private final List<Object> values;

	private int position;

	Cycle(List<Object> values) {
		this.values = values;
	}

	@Nullable Object attribute(String name) {
		return switch (name) {
			case "current" -> this.values.get(this.position);
			case "next" -> (Function) (rendering, arguments) -> {
				Object value = this.values.get(this.position);
				this.position = (this.position + 1) % this.values.size();
				return value;
			};
			case "reset" -> (Function) (rendering, arguments) -> {
				this.position = 0;
				return None.NONE;
			};
			default -> null;
		};
	}

}
