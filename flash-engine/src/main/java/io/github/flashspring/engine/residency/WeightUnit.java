package io.github.flashspring.engine.residency;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * A part of a model whose weights are acquired and released as one: usually a layer. The
 * model code declares the weights here, in the order in which it will use them; the
 * {@link WeightStore} finds them in the checkpoint.
 */
public final class WeightUnit {

	private final String name;

	private final String prefix;

	private final List<Parameter> parameters = new ArrayList<>();

	/**
	 * Starts an empty unit.
	 * @param name for people, such as {@code layers.3}
	 * @param prefix what the names of its tensors begin with, such as
	 * {@code model.layers.3.}
	 */
	public WeightUnit(String name, String prefix) {
		this.name = name;
		this.prefix = prefix;
	}

	/**
	 * Declares the matrix {@code <prefix><module>.weight}, dense or quantised.
	 * @param module path of the module below the prefix
	 * @param rows number of outputs
	 * @param columns number of inputs
	 * @return its handle
	 */
	public Parameter matrix(String module, int rows, int columns) {
		return add(module + ".weight", false, rows, columns);
	}

	/**
	 * Declares a dense vector.
	 * @param tensor name of the tensor below the prefix
	 * @param length number of values
	 * @return its handle
	 */
	public Parameter vector(String tensor, int length) {
		return add(tensor, true, 1, length);
	}

	private Parameter add(String tensor, boolean vector, int rows, int columns) {
		Parameter parameter = new Parameter(this.parameters.size(), this.prefix + tensor, vector, rows, columns);
		this.parameters.add(parameter);
		return parameter;
	}

	public String name() {
		return this.name;
	}

	List<Parameter> parameters() {
		return Collections.unmodifiableList(this.parameters);
	}

}
