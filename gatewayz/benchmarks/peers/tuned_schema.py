"""The tables of the tuned peer, and the one function that settles."""

SCHEMA = """
CREATE SCHEMA peer;
CREATE TABLE peer.users (
    id bigint PRIMARY KEY, username text NOT NULL UNIQUE, email text NOT NULL UNIQUE,
    credits numeric(14, 2) NOT NULL, referral_code varchar(16) UNIQUE,
    referred_by_code varchar(16), has_made_first_purchase boolean NOT NULL,
    uses integer NOT NULL, created_at timestamptz NOT NULL) WITH (fillfactor = 90);
CREATE TABLE peer.keys (digest text PRIMARY KEY, user_id bigint NOT NULL);
CREATE TABLE peer.events (
    event_id text PRIMARY KEY, event_type text NOT NULL, body bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE peer.payments (
    id bigserial PRIMARY KEY, user_id bigint NOT NULL, session_id text NOT NULL UNIQUE,
    amount numeric(12, 2) NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE peer.referrals (
    id bigserial PRIMARY KEY, referrer_id bigint NOT NULL, referred_user_id bigint NOT NULL UNIQUE,
    bonus_amount numeric(12, 2) NOT NULL, completed_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE peer.entries (
    id bigserial PRIMARY KEY, user_id bigint NOT NULL, kind text NOT NULL,
    amount numeric(12, 2) NOT NULL, balance_after numeric(14, 2) NOT NULL, payment_id bigint,
    created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE peer.checkouts (
    id bigserial PRIMARY KEY, user_id bigint NOT NULL, amount integer NOT NULL, session_id text,
    url text, created_at timestamptz NOT NULL DEFAULT now());
-- Beyond the ids of those who are copied.
CREATE SEQUENCE peer.new_ids START 1000000000;
CREATE INDEX ON peer.payments (user_id);
CREATE INDEX ON peer.referrals (referrer_id, completed_at);
CREATE INDEX ON peer.entries (user_id, id);
CREATE FUNCTION peer.settle(event text, type text, body bytea, buyer bigint, session text,
                            paid numeric) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    inviter bigint; b peer.users; r peer.users; payment bigint; bonus numeric := 10;
BEGIN
    INSERT INTO peer.events (event_id, event_type, body) VALUES (event, type, body)
        ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN RETURN 'repeated'; END IF;
    SELECT o.id INTO inviter FROM peer.users u JOIN peer.users o
        ON o.referral_code = u.referred_by_code
        WHERE u.id = buyer AND NOT u.has_made_first_purchase;
    PERFORM FROM peer.users WHERE id IN (buyer, inviter) ORDER BY id FOR NO KEY UPDATE;
    SELECT * INTO b FROM peer.users WHERE id = buyer;
    SELECT * INTO r FROM peer.users WHERE id = inviter;
    INSERT INTO peer.payments (user_id, session_id, amount) VALUES (buyer, session, paid)
        RETURNING id INTO payment;
    IF r.id IS NULL OR b.has_made_first_purchase OR paid < 10 OR r.uses >= 10 THEN
        INSERT INTO peer.entries (user_id, kind, amount, balance_after, payment_id)
            VALUES (buyer, 'purchase', paid, b.credits + paid, payment);
        UPDATE peer.users SET credits = credits + paid WHERE id = buyer;
        RETURN 'no bonus';
    END IF;
    INSERT INTO peer.entries (user_id, kind, amount, balance_after, payment_id) VALUES
        (buyer, 'purchase', paid, b.credits + paid, payment),
        (buyer, 'referee_bonus', bonus, b.credits + paid + bonus, payment),
        (r.id, 'referrer_bonus', bonus, r.credits + bonus, payment);
    UPDATE peer.users SET credits = credits + paid + bonus, has_made_first_purchase = true
        WHERE id = buyer;
    UPDATE peer.users SET credits = credits + bonus, uses = uses + 1 WHERE id = r.id;
    INSERT INTO peer.referrals (referrer_id, referred_user_id, bonus_amount)
        VALUES (r.id, buyer, bonus);
    RETURN 'bonus';
END $$;
CREATE FUNCTION peer.register(new_name text, new_email text, new_code text, typed text, digest text)
    RETURNS TABLE (id bigint, inviting_code text) LANGUAGE sql AS $$
    WITH person AS (
        INSERT INTO peer.users VALUES (
            nextval('peer.new_ids'), new_name, new_email, 0, new_code,
            (SELECT referral_code FROM peer.users WHERE referral_code = typed), false, 0, now())
        RETURNING id, referred_by_code
    ), key AS (INSERT INTO peer.keys SELECT digest, id FROM person)
    SELECT id, referred_by_code FROM person
$$;
"""
# The same people as ours; once more after new ones were added.
COPY_PEOPLE = """
INSERT INTO peer.users SELECT id, username, email, credits, referral_code, referred_by_code,
    has_made_first_purchase, (SELECT count(*) FROM referrals WHERE referrer_id = users.id),
    created_at FROM users ON CONFLICT DO NOTHING;
INSERT INTO peer.referrals (referrer_id, referred_user_id, bonus_amount, completed_at)
    SELECT referrer_id, referred_user_id, bonus_amount, completed_at FROM referrals
    ON CONFLICT DO NOTHING;
"""
