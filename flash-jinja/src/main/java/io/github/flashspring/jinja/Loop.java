package io.github.flashspring.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * The variable {@code loop}: where a loop stands. Reads its items only as far as it is
 * asked about.
 */
final class Loop implements Function {

	private final Budget budget;

	private final @Nullable Function again;

	private final int depth;

	private Iterator<Object> iterator;

	private int knownLength;

	private int index = -1;

	private @Nullable Object previous;

	private @Nullable Object current;

	private @Nullable Object upcoming;

	private @Nullable Object lastChanged;

	/**
	 * A loop before its first item.
	 * @param items what to go through
	 * @param knownLength how many there are, -1 if that is not known yet
	 * @param depth 0 for the outermost level of a recursive loop
	 * @param again runs the loop's body over other items, for a recursive loop
	 * @param budget bounds the work
	 */
	Loop(Iterator<Object> items, int knownLength, int depth, @Nullable Function again, Budget budget) {
		this.iterator = items;
		this.knownLength = knownLength;
		this.depth = depth;
		this.again = again;
		this.budget = budget;
	}

	boolean advance() {
		Object next = peek();
		if (next == null) {
			return false;
		}
		this.upcoming = null;
		this.previous = this.current;
		this.current = next;
		this.index++;
		return true;
	}

	Object item() {
		return (this.current != null) ? this.current : new Undefined("there is no current item");
	}

	private @Nullable Object peek() {
		if (this.upcoming == null && this.iterator.hasNext()) {
			this.upcoming = this.iterator.next();
		}
		return this.upcoming;
	}

	private long length() {
		if (this.knownLength < 0) {
			List<Object> rest = new ArrayList<>();
			while (this.iterator.hasNext()) {
				rest.add(this.iterator.next());
				this.budget.checkItems(rest.size());
			}
			this.iterator = rest.iterator();
			this.knownLength = this.index + 1 + ((this.upcoming != null) ? 1 : 0) + rest.size();
		}
		return this.knownLength;
	}

	/**
	 * An attribute of {@code loop}.
	 * @param name its name
	 * @return its value, null if there is no such attribute
	 */
	@Nullable Object attribute(String name) {
		return switch (name) {
			case "index" -> this.index + 1L;
			case "index0" -> (long) this.index;
			case "revindex" -> length() - this.index;
			case "revindex0" -> length() - this.index - 1;
			case "first" -> this.index == 0;
			case "last" -> peek() == null;
			case "length" -> length();
			case "depth" -> this.depth + 1L;
			case "depth0" -> (long) this.depth;
			case "previtem" -> (this.previous != null) ? this.previous : new Undefined("there is no previous item");
			case "nextitem" -> {
				Object next = peek();
				yield (next != null) ? next : new Undefined("there is no next item");
			}
			case "cycle" -> (Function) (rendering, arguments) -> {
				List<Object> values = arguments.positional();
				if (values.isEmpty()) {
					throw JinjaException.type("no items for cycling given");
				}
				return values.get(this.index % values.size());
			};
			case "changed" -> (Function) (rendering, arguments) -> {
				Tuple now = Tuple.copyOf(arguments.positional());
				boolean same = this.lastChanged != null && Operators.areEqual(now, this.lastChanged, this.budget);
				this.lastChanged = now;
				return !same;
			};
			default -> null;
		};
	}

	@Override
	public Object call(Rendering rendering, Arguments arguments) {
		if (this.again == null) {
			throw JinjaException.type("The loop must have the 'recursive' marker to be called recursively");
		}
		return this.again.call(rendering, arguments);
	}

}
