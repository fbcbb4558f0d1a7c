-- Trino functions that DuckDB lacks or defines differently; sqlglot translates all others.

-- The moment rounded to whole milliseconds.
CREATE MACRO in_milliseconds(moment) AS
    make_timestamp(1000 * floor((epoch_us(CAST(moment AS TIMESTAMP)) + 500)::DOUBLE / 1000)::BIGINT);

CREATE MACRO json_scalar(document, path) AS
    CASE WHEN json_valid(document) AND json_type(document, path) NOT IN ('OBJECT', 'ARRAY', 'NULL')
         THEN json_extract_string(document, path) END;
CREATE MACRO json_at(document, path) AS CASE WHEN json_valid(document) THEN json_extract(document, path) END;
CREATE MACRO json_size(document, path) AS
    CASE WHEN NOT json_valid(document) OR json_extract(document, path) IS NULL THEN NULL
         WHEN json_type(document, path) = 'ARRAY' THEN json_array_length(document, path)::BIGINT
         WHEN json_type(document, path) = 'OBJECT' THEN len(json_keys(document, path))
         ELSE 0 END;
CREATE MACRO is_json_scalar(document) AS json_type(document) NOT IN ('OBJECT', 'ARRAY');
CREATE MACRO json_array_contains(document, member) AS
    CASE WHEN json_valid(document) AND json_type(document) = 'ARRAY'
         THEN list_contains(json_extract(document, '$[*]')::VARCHAR[], to_json(member)::VARCHAR) END;

CREATE MACRO to_iso8601(moment) AS
    CASE typeof(moment) WHEN 'DATE' THEN strftime(moment, '%Y-%m-%d')
                        WHEN 'TIMESTAMP WITH TIME ZONE' THEN strftime(moment, '%Y-%m-%dT%H:%M:%S.%gZ')
                        ELSE strftime(moment, '%Y-%m-%dT%H:%M:%S.%g') END;
CREATE MACRO with_timezone(moment, zone) AS timezone(zone, CAST(moment AS TIMESTAMP));

CREATE MACRO whole_number(digits) AS CASE WHEN regexp_full_match(digits, '\s*[+-]?[0-9]+\s*') THEN digits END;
CREATE MACRO checked_whole_number(digits) AS
    CASE WHEN digits IS NULL OR regexp_full_match(digits, '\s*[+-]?[0-9]+\s*') THEN digits
         ELSE error('INVALID_CAST_ARGUMENT: Cannot cast ''' || digits || ''' to BIGINT') END;

CREATE MACRO every(condition) AS bool_and(condition);
CREATE MACRO geometric_mean(number) AS geomean(number);
CREATE MACRO map_agg(key, item) AS map(list(key), list(item));
CREATE MACRO zip(one, other) AS list_zip(one, other);
CREATE MACRO width_bucket(number, low, high, buckets) AS
    CASE WHEN number < low THEN 0 WHEN number >= high THEN buckets + 1
         ELSE floor((number - low)::DOUBLE * buckets / (high - low)::DOUBLE)::BIGINT + 1 END;
CREATE MACRO url_extract_host(url) AS regexp_extract(url, '^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/@]*@)?([^:/?#]*)', 1);
CREATE MACRO url_extract_path(url) AS regexp_extract(url, '^[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*([^?#]*)', 1);
CREATE MACRO is_nan(number) AS isnan(number);
CREATE MACRO is_finite(number) AS isfinite(number);
CREATE MACRO is_infinite(number) AS isinf(number);
CREATE MACRO e() AS exp(1);
CREATE MACRO codepoint(letter) AS unicode(letter);
