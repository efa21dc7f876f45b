package io.github.flashspring.engine.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.device.Workload;
import io.github.flashspring.engine.residency.ExpertGroup;
import io.github.flashspring.engine.residency.ExpertGuess;
import io.github.flashspring.engine.weights.Parameter;
import io.github.flashspring.engine.weights.WeightGroup;
import io.github.flashspring.engine.weights.Weights;

/**
 * A router sends each token to a few of many feed-forward parts, whose outputs are added
 * with the router's weights; shared experts see every token. Tokens are grouped, so that
 * each expert that is needed is computed once, and others are not touched. The outputs of
 * a token's experts are added in the order of the experts, so that the bits do not depend
 * on which tokens lie beside it or which expert is computed first. Experts work on the
 * stream or in a {@link LatentSpace}, shared ones on the stream.
 *
 * @see <a href="https://arxiv.org/abs/1701.06538">Shazeer et al. 2017</a>
 */
final class MoeLayer implements Sublayer {

	/** Most tokens whose next experts are guessed: further ones would add few. */
	private static final int GUESSED_ROWS = 32;

	private final Routing routing;

	private final Linear router;

	private final @Nullable Parameter correction;

	private final List<Member> experts;

	private final @Nullable Sublayer shared;

	private final @Nullable Linear sharedGate;

	private final @Nullable LatentSpace latent;

	private final List<WeightGroup> units;

	private final Room room;

	private @Nullable Next following;

	/** What the router's choice is corrected by; read from the device once. */
	private float @Nullable [] correctionValues;

	private MoeLayer(Builder builder) {
		this.routing = builder.routing;
		this.router = builder.router;
		this.correction = builder.correction;
		this.experts = List.copyOf(builder.experts);
		this.shared = builder.shared;
		this.sharedGate = builder.sharedGate;
		this.latent = builder.latent;
		Decoder decoder = builder.decoder;
		int hidden = decoder.config().hiddenSize();
		int outputs = this.routing.perToken() + ((this.shared != null && this.latent == null) ? 1 : 0);
		int width = (this.latent != null) ? this.latent.width() : hidden;
		SumRoom sumRoom = SumRoom.of(decoder, Math.max(2, outputs), width);
		this.room = new Room(decoder.slot("experts.logits", this.routing.experts()),
				decoder.slot("experts.guessed", this.routing.experts()), decoder.slot("experts.gate", 1),
				decoder.slotForExperts("experts.gathered", hidden), decoder.slotForExperts("experts.gathered", width),
				sumRoom, (this.latent != null) ? SumRoom.of(decoder, 2, hidden) : sumRoom, outputs, decoder.stream(),
				decoder.slotForParts("experts.inputs", hidden), decoder.slotForParts("experts.sums", hidden));
		decoder.uses(new Workload.Combine());
		this.units = this.experts.stream().map(Member::unit).toList();
	}

	/**
	 * Weights of the experts.
	 * @return a unit for each
	 */
	List<WeightGroup> units() {
		return this.units;
	}

	/**
	 * Says where guesses about the next mixture come from.
	 * @param following the next mixture of the model
	 */
	void next(Next following) {
		this.following = following;
	}

	/**
	 * Room for the inputs of all parts of a pass.
	 * @return [hidden] per row
	 */
	Slots.Slot inputs() {
		return this.room.inputs();
	}

	@Override
	public void forward(Pass pass, Weights weights, Tensor out, Tensor x) {
		Answers answers = ask(pass, weights, x, true);
		ExpertAssignment choice = answers.choice();
		int[] rowsOf = new int[this.routing.experts()];
		choice.count(rowsOf);
		ExpertGroup group = pass.experts(this.units.getFirst());
		int[] needed = group.choose(rowsOf, x.rows(), false);
		answers.expect();
		Tensor resultRows = this.room.experts().rows(pass, x.rows() * choice.outputs());
		if (this.shared != null && this.latent == null) {
			int hidden = out.columns();
			Tensor result = resultRows.reshape(choice.outputs() * hidden).columns(choice.perToken() * hidden, hidden);
			this.shared.forward(pass, weights, result, x);
			choice.shared(answers.gates());
		}
		Tensor input = (this.latent != null) ? this.latent.enter(weights, pass.get(this.latent.inputs()), x) : x;
		group.compute(needed, false, rowsOf, pass.room(this.room.gathered()),
				(experts, own) -> compute(pass, experts, own, choice, input, resultRows));
		if (this.latent == null) {
			pass.device().combine(out, resultRows, choice.factors());
			return;
		}
		Tensor sums = pass.get(this.latent.sums());
		pass.device().combine(sums, resultRows, choice.factors());
		this.latent.leave(weights, out, sums);
		addShared(pass, weights, x, answers.gates(), out);
	}

	/** Computes experts; the rows of those with several are gathered first. */
	private void compute(Pass pass, int[] chosen, List<Weights> weights, ExpertAssignment choice, Tensor x,
			Tensor results) {
		int outputs = this.room.outputs();
		List<int[]> places = Arrays.stream(chosen).mapToObj(choice::places).toList();
		int[] gathered = places.stream().filter((own) -> own.length > 1).flatMapToInt(Arrays::stream).toArray();
		Tensor input = pass.get(this.room.gathered(), gathered.length);
		Tensor output = pass.get(this.room.experts().output(), gathered.length);
		if (gathered.length > 0) {
			pass.device().gather(input, x, Arrays.stream(gathered).map((place) -> place / outputs).toArray());
		}
		List<Expert.Use> uses = new ArrayList<>(chosen.length);
		int from = 0;
		for (int i = 0; i < chosen.length; i++) {
			int[] own = places.get(i);
			boolean single = own.length == 1;
			uses.add(new Expert.Use(this.experts.get(chosen[i]).computation(), weights.get(i),
					single ? results.rows(own[0], 1) : output.rows(from, own.length),
					single ? x.rows(own[0] / outputs, 1) : input.rows(from, own.length)));
			from += single ? 0 : own.length;
		}
		Expert.forward(pass, uses);
		if (gathered.length > 0) {
			pass.device().scatter(results, output, gathered);
		}
	}

	/**
	 * Computes all parts of a pass: each expert once for all of them. Their outputs are
	 * added one by one in the order of the experts, which gives the same bits as adding
	 * them at the end and needs no room for all of them.
	 * @param parts the parts
	 * @param weights of the layer
	 * @param inputs F32 [rows, hidden] of each part
	 * @return F32 [rows, hidden] of each part
	 */
	List<Tensor> forward(List<Pass> parts, Weights weights, List<Tensor> inputs) {
		List<Answers> answers = new ArrayList<>();
		int[] rowsOf = new int[this.routing.experts()];
		int rows = 0;
		for (int i = 0; i < inputs.size(); i++) {
			boolean last = i == inputs.size() - 1;
			weights.begin(!last);
			answers.add(ask(parts.get(i), weights, inputs.get(i), last));
			answers.get(i).choice().count(rowsOf);
			rows += inputs.get(i).rows();
		}
		ExpertGroup group = parts.getFirst().experts(this.units.getFirst());
		int[] needed = group.choose(rowsOf, rows, true);
		answers.getLast().expect();
		List<Tensor> sums = parts.stream().map((part) -> part.get(this.room.sums())).toList();
		List<Tensor> expertInputs = inputs;
		List<Tensor> expertSums = sums;
		if (this.latent != null) {
			LatentSpace space = this.latent;
			expertInputs = parts.stream().map((part) -> part.get(space.inputsOfParts())).toList();
			expertSums = parts.stream().map((part) -> part.get(space.sumsOfParts())).toList();
			for (int i = 0; i < inputs.size(); i++) {
				weights.begin(i < inputs.size() - 1);
				space.enter(weights, expertInputs.get(i), inputs.get(i));
			}
		}
		addExperts(parts, group, needed, rowsOf, answers.stream().map(Answers::choice).toList(), expertInputs,
				expertSums);
		for (int i = 0; i < sums.size(); i++) {
			weights.begin(i < sums.size() - 1);
			if (this.latent != null) {
				this.latent.leave(weights, sums.get(i), expertSums.get(i));
			}
			addShared(parts.get(i), weights, inputs.get(i), answers.get(i).gates(), sums.get(i));
		}
		return sums;
	}

	private void addExperts(List<Pass> parts, ExpertGroup group, int[] needed, int[] rowsOf,
			List<ExpertAssignment> choices, List<Tensor> inputs, List<Tensor> sums) {
		for (int i = 0; i < sums.size(); i++) {
			parts.get(i).device().fill(sums.get(i), 0f);
		}
		// rows of the part that has most of them
		int[] most = new int[rowsOf.length];
		for (ExpertAssignment choice : choices) {
			int[] own = new int[rowsOf.length];
			choice.count(own);
			Arrays.setAll(most, (expert) -> Math.max(most[expert], own[expert]));
		}
		Pass any = parts.getFirst();
		int maxRows = Math.min(any.room(this.room.gathered()), this.room.experts().maxPairs(any));
		group.compute(needed, true, most, maxRows, (experts, own) -> {
			for (int i = 0; i < sums.size(); i++) {
				add(parts.get(i), experts, own, choices.get(i), inputs.get(i), sums.get(i));
			}
		});
	}

	private void addShared(Pass pass, Weights weights, Tensor x, float[] factors, Tensor sums) {
		if (this.shared == null) {
			return;
		}
		Tensor pairs = this.room.shared().pairs(pass, x.rows());
		this.shared.forward(pass, weights, right(pairs), x);
		add(pass, this.room.shared(), pairs, IntStream.range(0, factors.length).toArray(), factors, sums);
	}

	/** Computes experts, then adds the outputs of one after the other. */
	private void add(Pass pass, int[] chosen, List<Weights> weights, ExpertAssignment choice, Tensor x, Tensor sums) {
		List<int[]> places = Arrays.stream(chosen).mapToObj(choice::places).toList();
		int[] rows = places.stream().flatMapToInt(Arrays::stream).map((place) -> place / this.room.outputs()).toArray();
		if (rows.length == 0) {
			return;
		}
		Tensor input = pass.get(this.room.gathered(), rows.length);
		pass.device().gather(input, x, rows);
		Tensor pairs = this.room.experts().pairs(pass, rows.length);
		List<Expert.Use> uses = new ArrayList<>(chosen.length);
		int from = 0;
		for (int i = 0; i < chosen.length; i++) {
			int count = places.get(i).length;
			if (count > 0) {
				uses.add(new Expert.Use(this.experts.get(chosen[i]).computation(), weights.get(i),
						right(pairs).rows(from, count), input.rows(from, count)));
				from += count;
			}
		}
		Expert.forward(pass, uses);
		from = 0;
		for (int[] own : places) {
			if (own.length > 0) {
				float[] factors = new float[own.length];
				for (int i = 0; i < own.length; i++) {
					factors[i] = choice.factors()[own[i]];
				}
				add(pass, this.room.experts(), pairs.rows(from, own.length),
						Arrays.copyOfRange(rows, from, from + own.length), factors, sums);
				from += own.length;
			}
		}
	}

	/** Adds the right halves of pairs to rows of the sums. */
	private static void add(Pass pass, SumRoom room, Tensor pairs, int[] rows, float[] factors, Tensor sums) {
		Device device = pass.device();
		int width = sums.columns();
		float[] both = new float[2 * factors.length];
		for (int i = 0; i < factors.length; i++) {
			both[2 * i] = 1f;
			both[2 * i + 1] = factors[i];
		}
		device.gather(pairs.columns(0, width), sums, rows);
		Tensor output = pass.get(room.output(), rows.length);
		device.combine(output, pairs.reshape(width), both);
		device.scatter(sums, output, rows);
	}

	private static Tensor right(Tensor pairs) {
		return pairs.columns(pairs.columns() / 2, pairs.columns() / 2);
	}

	/**
	 * Asks the router, the gate of what every token sees and, about the next layer, its
	 * router, and reads all answers back at once.
	 */
	private Answers ask(Pass pass, Weights weights, Tensor x, boolean looksAhead) {
		Device device = pass.device();
		List<Device.Readback> reads = new ArrayList<>();
		Tensor logits = pass.get(this.room.logits()).rows(0, x.rows());
		float[] correctionOfAll = correction(device, weights, logits);
		this.router.forward(weights, logits, x);
		float[] values = readBack(logits, reads);
		float[] gates = new float[x.rows()];
		Arrays.fill(gates, 1f);
		if (this.sharedGate != null) {
			Tensor gate = pass.get(this.room.gate());
			this.sharedGate.forward(weights, gate, x);
			reads.add(new Device.Readback(gate, gates));
		}
		Guess guess = looksAhead ? lookAhead(pass, reads) : null;
		device.read(reads);
		for (int row = 0; this.sharedGate != null && row < gates.length; row++) {
			gates[row] = (float) Routing.sigmoid(gates[row]);
		}
		return new Answers(ExpertAssignment.of(this.routing, values, x.rows(), correctionOfAll, this.room.outputs()),
				gates, guess);
	}

	private static float[] readBack(Tensor logits, List<Device.Readback> reads) {
		float[] values = new float[logits.rows() * logits.columns()];
		reads.add(new Device.Readback(logits, values));
		return values;
	}

	private float @Nullable [] correction(Device device, Weights weights, Tensor scratch) {
		if (this.correction != null && this.correctionValues == null) {
			float[] values = new float[this.routing.experts()];
			Tensor row = scratch.rows(0, 1);
			device.convert(row, weights.vector(this.correction));
			device.read(row, values);
			this.correctionValues = values;
		}
		return this.correctionValues;
	}

	/**
	 * Asks the next mixture's router what it would choose of the stream as it is now: its
	 * answer hardly changes.
	 */
	private @Nullable Guess lookAhead(Pass pass, List<Device.Readback> reads) {
		Next next = this.following;
		if (next == null) {
			return null;
		}
		MoeLayer mixture = next.mixture();
		ExpertGroup group = pass.experts(mixture.units.getFirst());
		if (!group.wantsGuesses() || !group.layerWeights().isPresent(mixture.router.weight())) {
			return null;
		}
		Weights weights = group.layerWeights();
		int rows = Math.min(pass.batch().rows(), GUESSED_ROWS);
		Tensor x = pass.get(this.room.stream()).rows(pass.batch().rows() - rows, rows);
		if (next.before() != null) {
			Tensor normed = pass.get(this.room.normed(), rows);
			next.before().forward(pass, weights, normed, x);
			x = normed;
		}
		Tensor logits = pass.get(mixture.room.guessed()).rows(0, rows);
		float[] correctionOfAll = mixture.correction(pass.device(), weights, logits);
		mixture.router.forward(weights, logits, x);
		return new Guess(group, mixture.routing, readBack(logits, reads), rows, correctionOfAll);
	}

	/**
	 * What the device answered.
	 *
	 * @param choice experts of each token
	 * @param gates weights of what every token sees
	 * @param guess about the next layer, or null
	 */
	@SuppressWarnings("ArrayRecordComponent") // Made for one pass of a layer.
	private record Answers(ExpertAssignment choice, float[] gates, @Nullable Guess guess) {

		void expect() {
			if (this.guess != null) {
				this.guess.expect();
			}
		}

	}

	/**
	 * What the next layer's router would choose.
	 *
	 * @param group experts of the layer
	 * @param routing how logits become experts
	 * @param logits of each row
	 * @param rows number of rows
	 * @param correction of the choice, or null
	 */
	@SuppressWarnings("ArrayRecordComponent") // Made for one pass of a layer.
	private record Guess(ExpertGroup group, Routing routing, float[] logits, int rows, float @Nullable [] correction) {

		/** Lets the experts be read. */
		void expect() {
			List<ExpertGuess> guesses = new ArrayList<>();
			for (int row = 0; row < this.rows; row++) {
				this.routing.guess(this.logits, row * this.routing.experts(), this.correction, guesses);
			}
			this.group.expect(guesses);
		}

	}

	/**
	 * The mixture that comes next in the model.
	 *
	 * @param mixture the mixture
	 * @param unit weights of its layer
	 * @param before norm of its input, or null
	 */
	record Next(MoeLayer mixture, WeightGroup unit, @Nullable Norm before) {

	}

	/**
	 * One of many.
	 *
	 * @param unit its weights
	 * @param computation what it computes with them
	 */
	record Member(WeightGroup unit, Expert computation) {

	}

	/** Declares the weights of an expert. */
	@FunctionalInterface
	interface ExpertFactory {

		/**
		 * Declares them.
		 * @param unit gets them
		 * @param index of the expert
		 * @return what it computes
		 */
		Expert create(WeightGroup unit, int index);

	}

	/**
	 * Room for what is computed between input and output.
	 *
	 * @param logits [experts] per row
	 * @param guessed [experts] per row, of the next layer
	 * @param gate [1] per row
	 * @param normed [hidden] per row
	 * @param gathered width of an expert's input per row
	 * @param experts for sums of experts
	 * @param shared for sums with shared experts
	 * @param outputs experts of a token, shared ones together as the last if they work in
	 * the same space
	 * @param stream the residual stream
	 * @param inputs [hidden] per row, for all parts of a pass
	 * @param sums [hidden] per row, for all parts of a pass
	 */
	private record Room(Slots.Slot logits, Slots.Slot guessed, Slots.Slot gate, Slots.Slot normed, Slots.Slot gathered,
			SumRoom experts, SumRoom shared, int outputs, Slots.Slot stream, Slots.Slot inputs, Slots.Slot sums) {

	}

	/**
	 * Room for outputs of one width and their sums.
	 *
	 * @param output [width] per row
	 * @param results [outputs · width] per row, at least two outputs
	 */
	private record SumRoom(Slots.Slot output, Slots.Slot results) {

		static SumRoom of(Decoder decoder, int outputs, int width) {
			return new SumRoom(decoder.slotForExperts("experts.output", width),
					decoder.slot("experts.outputs", outputs * width));
		}

		Tensor rows(Pass pass, int rows) {
			return pass.get(this.results, pass.room(this.results)).reshape(this.output.width()).rows(0, rows);
		}

		/** Most rows of {@link #pairs}. */
		int maxPairs(Pass pass) {
			return pass.room(this.results) * (this.results.width() / this.output.width()) / 2;
		}

		/** Room for sums, and beside them for what is added: [2 · width] per row. */
		Tensor pairs(Pass pass, int rows) {
			return rows(pass, 2 * rows).reshape(2 * this.output.width());
		}

	}

	/** Settings of a layer's mixture. */
	static final class Builder {

		private final Decoder decoder;

		private final WeightGroup unit;

		private final Routing routing;

		private final List<Member> experts = new ArrayList<>();

		private final Linear router;

		private @Nullable Parameter correction;

		private @Nullable Sublayer shared;

		private @Nullable Linear sharedGate;

		private @Nullable LatentSpace latent;

		/**
		 * Starts with a router.
		 * @param decoder the model
		 * @param unit weights of the layer
		 * @param routing how logits become experts
		 * @param router name of its module
		 * @param bias whether it has a bias
		 */
		Builder(Decoder decoder, WeightGroup unit, Routing routing, String router, boolean bias) {
			this.decoder = decoder;
			this.unit = unit;
			this.routing = routing;
			this.router = Linear.of(unit, router, routing.experts(), decoder.config().hiddenSize(), bias);
		}

		/** What is added to the scores for the choice alone. */
		Builder correction(String tensor) {
			this.correction = this.unit.vector(tensor, this.routing.experts());
			return this;
		}

		/** What every token sees. */
		Builder shared(Sublayer part) {
			this.shared = part;
			return this;
		}

		/** The weight of what every token sees, which is declared behind it. */
		Builder sharedGate(String gate) {
			this.sharedGate = Linear.of(this.unit, gate, 1, this.decoder.config().hiddenSize(), false);
			return this;
		}

		/** Where experts work, if not on the stream. */
		Builder latent(LatentSpace space) {
			this.latent = space;
			return this;
		}

		/**
		 * Ends with the experts.
		 * @param layer index of the layer
		 * @param factory declares the weights of each
		 * @return the mixture
		 */
		MoeLayer experts(int layer, ExpertFactory factory) {
			for (int i = 0; i < this.routing.experts(); i++) {
				WeightGroup expert = this.decoder.expertUnit(layer, "experts." + i, this.routing);
				this.experts.add(new Member(expert, factory.create(expert, i)));
			}
			return new MoeLayer(this);
		}

	}

}
