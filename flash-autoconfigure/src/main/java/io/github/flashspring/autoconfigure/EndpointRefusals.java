package io.github.flashspring.autoconfigure;

import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;

import org.jspecify.annotations.Nullable;

import org.springframework.boot.actuate.endpoint.EndpointId;
import org.springframework.boot.actuate.endpoint.InvalidEndpointRequestException;
import org.springframework.boot.actuate.endpoint.OperationType;
import org.springframework.boot.actuate.endpoint.invoke.OperationInvoker;
import org.springframework.boot.actuate.endpoint.invoke.OperationInvokerAdvisor;
import org.springframework.boot.actuate.endpoint.invoke.OperationParameter;
import org.springframework.boot.actuate.endpoint.invoke.OperationParameters;
import org.springframework.boot.actuate.endpoint.web.WebEndpointResponse;

/**
 * {@link OperationInvokerAdvisor} for what is written to {@link FlashEndpoint}: refuses
 * fields that it does not know, which Spring Boot would ignore, and answers what is
 * refused with status 400 and the reason, which Spring Boot would leave out.
 */
class EndpointRefusals implements OperationInvokerAdvisor {

	private static final EndpointId ID = EndpointId.of(FlashEndpoint.ID);

	@Override
	public OperationInvoker apply(EndpointId endpointId, OperationType operationType, OperationParameters parameters,
			OperationInvoker invoker) {
		if (!endpointId.equals(ID) || operationType != OperationType.WRITE) {
			return invoker;
		}
		return (context) -> {
			try {
				requireKnown(context.getArguments(), parameters);
				return invoker.invoke(context);
			}
			catch (InvalidEndpointRequestException ex) {
				return new WebEndpointResponse<>(new Refusal(400, "Bad Request", ex.getReason()), 400);
			}
		};
	}

	private static void requireKnown(Map<String, Object> arguments, OperationParameters parameters) {
		TreeSet<String> unknown = new TreeSet<>(arguments.keySet());
		parameters.stream().map(OperationParameter::getName).forEach(unknown::remove);
		if (!unknown.isEmpty()) {
			String reason = "Unknown field '%s'. Known: %s. %s".formatted(String.join("', '", unknown),
					parameters.stream().map(OperationParameter::getName).collect(Collectors.joining(", ")),
					FlashEndpoint.HELP);
			throw new InvalidEndpointRequestException(reason, reason);
		}
	}

	/**
	 * Why a request is refused, with the keys of Spring Boot's other error responses.
	 *
	 * @param status 400
	 * @param error its name
	 * @param message the reason
	 */
	record Refusal(int status, String error, @Nullable String message) {

	}

}
