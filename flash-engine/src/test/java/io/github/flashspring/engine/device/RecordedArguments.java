package io.github.flashspring.engine.device;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

/**
 * Copies the arguments of an operation: arrays, lists and records of them, so that their
 * owner may change them; tensors in the memory that the device sees.
 */
final class RecordedArguments {

	private final @Nullable Device checker;

	private final List<Recorder.Use> uses = new ArrayList<>();

	/**
	 * Copies for the device that computes, or for one that checks operands before.
	 * @param checker takes operands without their values; null: the one that computes
	 */
	RecordedArguments(@Nullable Device checker) {
		this.checker = checker;
	}

	List<Recorder.Use> uses() {
		return this.uses;
	}

	@Nullable Object[] copy(@Nullable Object[] arguments) {
		RaggedBatch batch = null;
		Integer layer = null;
		for (@Nullable
		Object argument : arguments) {
			batch = (argument instanceof RaggedBatch found) ? found : batch;
			layer = (argument instanceof Integer found) ? found : layer;
		}
		@Nullable Object[] copies = new Object[arguments.length];
		for (int i = 0; i < copies.length; i++) {
			copies[i] = (arguments[i] instanceof KvPages kv && batch != null && layer != null) ? pages(kv, layer, batch)
					: copy(arguments[i]);
		}
		return copies;
	}

	private @Nullable Object copy(@Nullable Object argument) {
		return switch (argument) {
			case null -> null;
			case Tensor tensor -> tensor(tensor);
			case int[] numbers -> numbers.clone();
			case int[][] tables -> Arrays.stream(tables).map(int[]::clone).toArray(int[][]::new);
			case float[] numbers -> numbers.clone();
			case List<?> list -> list.stream().map(this::copy).toList();
			case Record parts -> copy(parts);
			default -> argument;
		};
	}

	private Record copy(Record parts) {
		try {
			RecordComponent[] components = parts.getClass().getRecordComponents();
			@Nullable Object[] values = new Object[components.length];
			boolean same = true;
			for (int i = 0; i < values.length; i++) {
				@Nullable Object value = components[i].getAccessor().invoke(parts);
				values[i] = copy(value);
				same &= values[i] == value;
			}
			return same ? parts
					: parts.getClass()
						.getConstructor(Arrays.stream(components).map(RecordComponent::getType).toArray(Class[]::new))
						.newInstance(values);
		}
		catch (InvocationTargetException ex) {
			throw (ex.getCause() instanceof RuntimeException cause) ? cause : new IllegalStateException(ex);
		}
		catch (ReflectiveOperationException ex) {
			throw new IllegalStateException(ex);
		}
	}

	Tensor tensor(Tensor tensor) {
		long bytes = (tensor.rows() == 0) ? 0
				: ((tensor.rows() - 1L) * tensor.rowStride() + tensor.columns()) * tensor.dtype().bytes();
		return new Tensor(real(tensor.buffer(), tensor.byteOffset(), bytes), tensor.byteOffset(), tensor.dtype(),
				tensor.rows(), tensor.columns(), tensor.rowStride());
	}

	private Buffer real(Buffer buffer, long from, long bytes) {
		if (!(buffer instanceof RecordedBuffer recorded)) {
			throw new IllegalArgumentException("Not a buffer of this device: " + buffer);
		}
		this.uses.add(new Recorder.Use(recorded, from, from + bytes));
		return (this.checker != null) ? recorded.shadow(this.checker) : recorded.real();
	}

	/** The pages of a batch where they are now. */
	private KvPages pages(KvPages kv, int layer, RaggedBatch batch) {
		Map<Integer, Buffer> buffers = new HashMap<>();
		Map<Integer, Long> offsets = new HashMap<>();
		KvPages.Layout layout = kv.layout();
		int group = kv.group(layer);
		int recent = kv.recentGroup(layer);
		Map<Integer, KvPages.Layout> layouts = new HashMap<>();
		for (int each : (recent != KvPages.NONE) ? new int[] { group, recent } : new int[] { group }) {
			layouts.put(each, kv.layout(each));
			for (RaggedBatch.Span span : batch.spans()) {
				int count = Math.ceilDiv(span.position() + span.rows(), layout.pageTokens());
				Arrays.stream(span.pages(each)).limit(count).filter((page) -> page != KvPages.NONE).forEach((page) -> {
					offsets.put(page, kv.byteOffset(page, layer));
					buffers.put(page, real(kv.buffer(page), kv.byteOffset(page, layer), kv.layout(each).layerBytes()));
				});
			}
		}
		int window = kv.recentWindow();
		String name = kv.name(layer);
		return new KvPages() {

			@Override
			public Layout layout() {
				return layout;
			}

			@Override
			public Layout layout(int askedGroup) {
				return Objects.requireNonNull(layouts.get(askedGroup));
			}

			@Override
			public Buffer buffer(int page) {
				return Objects.requireNonNull(buffers.get(page));
			}

			@Override
			public long byteOffset(int page, int askedLayer) {
				return Objects.requireNonNull(offsets.get(page));
			}

			@Override
			public int group(int askedLayer) {
				return group;
			}

			@Override
			public int recentGroup(int askedLayer) {
				return recent;
			}

			@Override
			public int recentWindow() {
				return window;
			}

			@Override
			public String name(int askedLayer) {
				return name;
			}

		};
	}

}
